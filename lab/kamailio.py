"""A Kamailio as a child process: started, watched, asked and ended.

* It never outlives us: it asks the kernel for SIGTERM at our death, and it is the leader of
  a process group, so that workers whose main process was killed go with it.
* An unexpected end is an error that shows the end of the log, wherever it is noticed.
* What differs from instance to instance goes in by `-A` definitions and `-l` listeners; a
  configuration file names no port.

What "ready" means is the caller's to say: it depends on what the configuration loads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.logfile import LogFile
from lab.rpc import RpcClient
from lab.waiting import wait_until


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
    binary: str = "kamailio"

    @property
    def rpc_socket(self) -> Path:
        """Where the configuration is told to listen for JSON-RPC."""
        return self.run_dir / "rpc.sock"

    def command(self) -> list[str]:
        """Return the command line."""
        place = ["-f", str(self.cfg), "-Y", str(self.run_dir), "-w", str(self.run_dir)]
        return [
            # Not preexec_fn: that runs Python between fork and exec, beside other threads.
            *("setpriv", "--pdeathsig", "TERM", self.binary, "-DD", "-E"),
            *(*place, "-P", str(self.run_dir / "pid")),
            *("-m", str(self.shm_mb), "-M", str(self.pkg_mb)),
            *(word for address in self.listen for word in ("-l", address)),
            *self._definitions(),
        ]

    def _definitions(self) -> list[str]:
        words: list[str] = []
        for name, value in {**self.defines, "RPC_SOCKET": str(self.rpc_socket)}.items():
            if value is True:
                words += ["-A", name]
            elif isinstance(value, str):
                if '"' in value:
                    raise ValueError(f"definition {name} holds a double quote: {value!r}")
                words += ["-A", f'{name}="{value}"']
            elif value is not False:
                words += ["-A", f"{name}={value}"]
        return words


class Kamailio:
    """One Kamailio; may be started and stopped several times, its log goes on growing."""

    def __init__(self, launch: Launch, ready: Callable[[Kamailio], bool]) -> None:
        self.launch = launch
        self.log = LogFile(launch.run_dir / "log")
        self._ready = ready
        self._rpc = RpcClient(launch.rpc_socket)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 15.0) -> Self:
        """Start and wait until ready.

        Raise RuntimeError if it ends instead, TimeoutError if it is not ready in time; in
        both cases nothing is left running. To be called from the main thread: the kernel
        takes the end of the *thread* that started a child for the parent's death.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{self.launch.name}: start it from the main thread")
        if self._process is not None:
            raise RuntimeError(f"{self.launch.name}: already started")
        self.launch.run_dir.mkdir(parents=True, exist_ok=True)
        with self.log.path.open("ab") as log:
            self._process = subprocess.Popen(
                self.launch.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.launch.environment},
                process_group=0,
            )
        try:
            self.wait_until(lambda: self._ready(self), seconds=seconds, what="readiness")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, seconds: float = 10.0) -> bool:
        """End it; tell whether it went by itself within *seconds* after SIGTERM.

        Raise RuntimeError if it had ended before it was told to. Not started: nothing to do.
        """
        if self._process is None:
            return True
        try:
            self.check_alive()
            self.thaw()
            self._process.terminate()
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
        return True

    def kill(self) -> None:
        """End it at once, with SIGKILL to all of its processes."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Hold all of its processes where they are (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let frozen processes go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Process id of the main process, which is that of its process group too."""
        if self._process is None:
            raise RuntimeError(f"{self.launch.name}: not started")
        return self._process.pid

    def check_alive(self) -> None:
        """Raise RuntimeError, with the end of the log, unless it is running."""
        if self._process is None:
            raise RuntimeError(f"{self.launch.name}: not started")
        status = self._process.poll()
        if status is not None:
            raise RuntimeError(
                f"{self.launch.name}: ended with status {status}\n{self.log.tail()}"
            )

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

    def wait_until(self, look: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait for *look*; end early, with RuntimeError, if the process does."""

        def look_alive() -> bool:
            self.check_alive()
            return look()

        try:
            wait_until(look_alive, seconds=seconds, what=what)
        except TimeoutError as missing:
            raise TimeoutError(f"{self.launch.name}: {missing}\n{self.log.tail()}") from None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(self.pid, number)
