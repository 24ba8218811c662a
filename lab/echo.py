"""A plain phone that sends back what it hears: SIPp with PCMU over RTP, in one call.

It is registered as `lab.phone` is, so the core calls it directly and takes its calls.
"""

from __future__ import annotations

from pathlib import Path

from lab.child import Child
from lab.core import ImsCore
from lab.edge import HOST
from lab.logfile import LogFile
from lab.ports import free_ports
from lab.udp import UdpAgent, User
from lab.waiting import wait_until


SCENARIOS = Path(__file__).parent / "sipp"


class EchoPhone(Child):
    """One SIPp; ready when it listens, ended by itself when its call is over.

    It calls the IMPU *calls* at once, or takes one call if there is none.
    """

    def __init__(self, run_dir: Path, user: User, core: ImsCore, calls: str | None = None) -> None:
        self.user = user
        self._core = core
        self.port, media = free_ports(2)
        scenario = "answers" if calls is None else "calls"
        run_dir.mkdir(parents=True, exist_ok=True)
        self._errors = run_dir / "errors"
        self._errors.touch()
        command = (
            *(
                "sipp",
                core.scscf.uri.removeprefix("sip:"),
                "-sf",
                str(SCENARIOS / f"{scenario}.xml"),
            ),
            *("-i", HOST, "-p", str(self.port), "-mi", HOST, "-mp", str(media), "-rtp_echo"),
            *("-key", "caller", user.impu, "-key", "callee", calls or user.impu),
            *("-m", "1", "-nostdin", "-trace_err", "-error_file", str(self._errors)),
        )
        super().__init__(f"phone of {user.impu}", command, LogFile(run_dir / "log"), self._listens)

    def register(self) -> None:
        """Let the core know where it is. Raise RuntimeError if that refuses."""
        with UdpAgent(port=self.port) as agent:
            request = agent.register(self.user, [("Authorization", self.user.tna_credentials())])
            answer = agent.exchange(request, self._core.icscf_addresses[0])
        if answer.status != 200:
            raise RuntimeError(f"the core answers {answer.start_line!r}")

    def _listens(self) -> bool:
        place = f"{_hex(HOST)}:{self.port:04X}"
        return any(place in line for line in Path("/proc/net/udp").read_text().splitlines())

    def finish(self, seconds: float = 10.0) -> None:
        """Wait until its call is over.

        Raise RuntimeError if the call did not go as it should, TimeoutError if it goes on.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name}: not started")
        ended = self._process
        wait_until(lambda: ended.poll() is not None, seconds=seconds, what=f"end of {self.name}")
        self.kill()
        if ended.returncode != 0:
            raise RuntimeError(f"{self.name}: {ended.returncode}\n{self._errors.read_text()}")

    def __exit__(self, *_: object) -> None:
        """End it, wherever its call is."""
        self.kill()


def _hex(address: str) -> str:
    """Write an IPv4 address as the kernel lists it."""
    return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
