"""HAProxy as the front end of an eP-CSCF: the project's own configuration, as it is."""

from __future__ import annotations

import socket

from pathlib import Path

from lab.certificates import Credential
from lab.child import Child
from lab.edge import HOST, ROOT
from lab.logfile import LogFile
from lab.ports import free_port


class Front(Child):
    """One HAProxy; `port` is where browsers connect."""

    def __init__(self, run_dir: Path, door_port: int, server: Credential) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        pem = run_dir / "server.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(server.certificate.read_bytes() + server.key.read_bytes())
        environment = {
            "BROWSER_BIND": f"{HOST}:{self.port}",
            "TLS_PEM": str(pem),
            "FRONT_DOOR": f"{HOST}:{door_port}",
            "STATS_SOCKET": str(run_dir / "stats.sock"),
        }
        command = ("haproxy", "-db", "-f", str(ROOT / "deploy" / "haproxy.cfg"))
        super().__init__("front", command, LogFile(run_dir / "log"), self._accepts, environment)

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0
