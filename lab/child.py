"""A program as a child process: started, watched and ended.

* It never outlives us: it asks the kernel for SIGTERM at our death, and it is the leader of
  a process group, so that workers whose main process was killed go with it.
* An unexpected end is an error that shows the end of the log, wherever it is noticed.

What "ready" means is the caller's to say.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from lab.logfile import LogFile
from lab.waiting import wait_until


class Child:
    """One program; may be started and stopped several times, its log goes on growing."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: LogFile,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        # Not preexec_fn: that runs Python between fork and exec, beside other threads.
        self._command = ("setpriv", "--pdeathsig", "TERM", *command)
        self._ready = ready
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 15.0) -> Self:
        """Start and wait until ready; errors as in `spawn` and `await_ready`."""
        self.spawn()
        return self.await_ready(seconds)

    def spawn(self) -> None:
        """Start without waiting, so that several can get ready at the same time.

        To be called from the main thread: the kernel takes the end of the *thread* that
        started a child for the parent's death.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{self.name}: start it from the main thread")
        if self._process is not None:
            raise RuntimeError(f"{self.name}: already started")
        self.log.path.parent.mkdir(parents=True, exist_ok=True)
        with self.log.path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                process_group=0,
            )

    def await_ready(self, seconds: float = 15.0) -> Self:
        """Wait until ready.

        Raise RuntimeError if it ends instead, TimeoutError if it is not ready in time; in
        both cases nothing is left running.
        """
        try:
            self.wait_until(self._ready, seconds=seconds, what="readiness")
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
            return self._terminate(self._process, seconds)
        finally:
            self.kill()

    def _terminate(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        # Said again and again: Kamailio keeps only the last signal it got, and each worker
        # that is thawed or ends sends it a SIGCHLD.
        patience = 0.5
        for _ in range(max(1, round(seconds / patience))):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                return True
        return False

    def kill(self) -> None:
        """End it at once, with SIGKILL to all of its processes, and wait until they are gone."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        # A worker holds the listening sockets a moment longer than its main process.
        group = self.pid
        self._process = None
        wait_until(lambda: not group_lives(group), seconds=5, what=f"end of {self.name}")

    def expect_end(self, seconds: float = 10.0) -> None:
        """Wait until it ends by itself, and forget it. Raise TimeoutError if it does not."""
        if self._process is None:
            raise RuntimeError(f"{self.name}: not started")
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name}: still there after {seconds:g} s") from None
        self.kill()

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
            raise RuntimeError(f"{self.name}: not started")
        return self._process.pid

    def check_alive(self) -> None:
        """Raise RuntimeError, with the end of the log, unless it is running."""
        if self._process is None:
            raise RuntimeError(f"{self.name}: not started")
        status = self._process.poll()
        if status is not None:
            raise RuntimeError(f"{self.name}: ended with status {status}\n{self.log.tail()}")

    def wait_until(self, look: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait for *look*; end early, with RuntimeError, if the process does."""

        def look_alive() -> bool:
            self.check_alive()
            return look()

        try:
            wait_until(look_alive, seconds=seconds, what=what)
        except TimeoutError as missing:
            raise TimeoutError(f"{self.name}: {missing}\n{self.log.tail()}") from None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(self.pid, number)


def group_lives(group: int) -> bool:
    """Tell whether a process of the group lives; one that waits to be reaped does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                return True
    return False
