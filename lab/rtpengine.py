"""rtpengine as a child process, with the project's own configuration.

Instances share the range of media ports: each takes what is free.
"""

from __future__ import annotations

import re
import socket

from pathlib import Path

from lab.child import Child
from lab.cscf import Address, authority
from lab.edge import ROOT
from lab.logfile import LogFile
from lab.ports import free_ports


_NUMBER = re.compile(r"\d+")


class Rtpengine(Child):
    """One rtpengine; `control` is what Kamailio's module is told."""

    def __init__(self, run_dir: Path, host: str = "127.0.0.1") -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.host = host
        ng, cli = free_ports(2, host)
        self._cli: Address = (host, cli)
        self.control = f"udp:{authority(host, ng)}"
        command = (
            *("rtpengine", f"--config-file={ROOT / 'deploy' / 'rtpengine.conf'}"),
            *(f"--interface={host}", f"--listen-ng={authority(host, ng)}"),
            f"--listen-cli={authority(host, cli)}",
            *("--num-threads=2", "--media-num-threads=1"),
            *("--foreground", "--log-stderr", "--log-level=6"),
        )
        super().__init__("rtpengine", command, LogFile(run_dir / "log"), self._answers)

    def _answers(self) -> bool:
        try:
            self.ask("list numsessions")
        except OSError:
            return False
        return True

    def ask(self, command: str) -> str:
        """Return the answer to a command of its command line. Raise OSError if there is none."""
        with socket.create_connection(self._cli, timeout=2) as line:
            line.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: line.recv(65536), b"")).decode()

    @property
    def sessions(self) -> int:
        """How many calls it has media for."""
        found = _NUMBER.search(self.ask("list numsessions"))
        if found is None:
            raise OSError("rtpengine says no number")
        return int(found[0])
