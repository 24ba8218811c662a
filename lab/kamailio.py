"""A Kamailio as a child process that can be asked by JSON-RPC.

What differs from instance to instance goes in by `-A` definitions and `-l` listeners; a
configuration file names no port. What "ready" means depends on what it loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.child import Child
from lab.logfile import LogFile
from lab.rpc import RpcClient


Define = str | int | bool
"A string is quoted, a number is not; True defines the bare name, False leaves it out."


@dataclass(frozen=True, slots=True)
class Launch:
    """How one Kamailio is started. The run directory is its own and is made if missing."""

    name: str
    cfg: Path
    run_dir: Path
    listen: tuple[str, ...]
    "As for `-l`: `udp:127.0.0.1:5060`, `tcp:[::1]:5060`, ..."
    defines: Mapping[str, Define] = field(default_factory=dict)
    "RPC_SOCKET is added: the path for jsonrpcs' `dgram_socket`."
    environment: Mapping[str, str] = field(default_factory=dict)
    "Laid over our own."
    shm_mb: int = 64
    pkg_mb: int = 8
    allocator: str = ""
    "As for `-x`: `qm`, `fm` or `tlsf`; empty: Kamailio's own choice."
    binary: str = "kamailio"

    @property
    def rpc_socket(self) -> Path:
        """Where the configuration is told to listen for JSON-RPC."""
        return self.run_dir / "rpc.sock"

    def command(self) -> list[str]:
        """Return the command line."""
        place = ["-f", str(self.cfg), "-Y", str(self.run_dir), "-w", str(self.run_dir)]
        return [
            *(self.binary, "-DD", "-E"),
            *(*place, "-P", str(self.run_dir / "pid")),
            *("-m", str(self.shm_mb), "-M", str(self.pkg_mb)),
            *(("-x", self.allocator) if self.allocator else ()),
            *(word for address in self.listen for word in ("-l", address)),
            *self._definitions(),
        ]

    def _definitions(self) -> list[str]:
        defines = {**self.defines, "RPC_SOCKET": str(self.rpc_socket)}
        wanted = ((name, value) for name, value in defines.items() if value is not False)
        return [word for name, value in wanted for word in ("-A", _definition(name, value))]


def _definition(name: str, value: Define) -> str:
    if value is True:
        return name
    if not isinstance(value, str):
        return f"{name}={value}"
    if '"' in value:
        raise ValueError(f"definition {name} holds a double quote: {value!r}")
    return f'{name}="{value}"'


class Kamailio(Child):
    """One Kamailio."""

    def __init__(self, launch: Launch, ready: Callable[[Kamailio], bool]) -> None:
        log = LogFile(launch.run_dir / "log")
        super().__init__(
            launch.name, launch.command(), log, lambda: ready(self), launch.environment
        )
        self.launch = launch
        self._rpc = RpcClient(launch.rpc_socket)

    def rpc(self, method: str, *params: str | int) -> Any:
        """Return the result of a JSON-RPC command; errors as in RpcClient.call."""
        self.check_alive()
        return self._rpc.call(method, *params)

    def answers_rpc(self) -> bool:
        """Tell whether the RPC socket answers; enough for many as readiness."""
        try:
            self._rpc.call("core.version")
        except OSError:
            return False
        return True
