"""HAProxy as the front end of an eP-CSCF: the project's own configuration, as it is."""

from __future__ import annotations

import socket

from pathlib import Path

from lab.certificates import Credential
from lab.child import Child
from lab.cscf import Address, authority
from lab.edge import ROOT, door_url
from lab.logfile import LogFile
from lab.ports import free_port


class Front(Child):
    """One HAProxy; `port` is where browsers connect."""

    def __init__(self, run_dir: Path, door: Address, server: Credential) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.host, door_port = door
        self.port = free_port(self.host)
        pem = run_dir / "server.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(server.certificate.read_bytes() + server.key.read_bytes())
        environment = {
            "BROWSER_BIND": authority(self.host, self.port),
            "TLS_PEM": str(pem),
            "FRONT_HOST": self.host,
            "FRONT_PORT": str(door_port),
            "STATS_SOCKET": str(run_dir / "stats.sock"),
        }
        command = ("haproxy", "-db", "-f", str(ROOT / "deploy" / "haproxy.cfg"))
        super().__init__("front", command, LogFile(run_dir / "log"), self._accepts, environment)

    @property
    def url(self) -> str:
        """Where WICs connect."""
        return door_url("wss", (self.host, self.port))

    def _accepts(self) -> bool:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            return probe.connect_ex((self.host, self.port)) == 0
