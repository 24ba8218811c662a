"""How long one request takes while the others do what they do.

SIPp counts whole milliseconds; these are sent one by one, and timed to the microsecond.
"""

from __future__ import annotations

import itertools
import math
import socket
import time

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lab.cscf import Address


ANSWER_WITHIN = 1.0
"Seconds; no answer by then is counted as lost."


@dataclass(frozen=True, slots=True)
class Probe:
    """A kind of request, and where it goes."""

    name: str
    to: Address
    requests: Iterator[bytes]


@dataclass(slots=True)
class Times:
    """How long answers took, in seconds."""

    taken: list[float] = field(default_factory=list)
    lost: int = 0
    "Without an answer, or with another than 200."

    def percentile(self, share: float) -> float:
        """Return the time that *share* of the answers did not exceed; NaN without answers."""
        return percentile(self.taken, share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least *share* of the *values* do not exceed."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


class Prober:
    """Sends and waits, one request at a time, from one socket."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._port = self._socket.getsockname()[1]
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def options(self) -> Iterator[bytes]:
        """Make OPTIONS of a peer that asks whether we are there (RFC 3261 11)."""
        while True:
            yield self._request("OPTIONS", "<sip:probe@ims.example>", ())

    def registers(self, bearers: Iterable[tuple[str, str]]) -> Iterator[bytes]:
        """Make REGISTERs of these users with these Authorization values."""
        for user, authorization in bearers:
            more = (
                f"Contact: <sip:{user}@127.0.0.1:{self._port}>;reg-id=1",
                f"Authorization: {authorization}",
                "Expires: 600",
                "Supported: path, gruu, outbound",
            )
            yield self._request("REGISTER", f"<sip:{user}@ims.example>", more)

    def _request(self, method: str, user: str, more: Iterable[str]) -> bytes:
        number = next(self._numbers)
        uri = "sip:ims.example" if method == "REGISTER" else "sip:127.0.0.1"
        lines = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bKprobe{number}",
            "Max-Forwards: 70",
            f"From: {user};tag=probe{number}",
            f"To: {user}",
            f"Call-ID: probe{number}-{self._port}",
            f"CSeq: {number} {method}",
            *more,
            "Content-Length: 0",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def ask(self, probes: Sequence[Probe], times: int, per_second: float) -> dict[str, Times]:
        """Send each of the *probes* so many times, in turn, so many per second of each."""
        result = {probe.name: Times() for probe in probes}
        pace = 1 / (per_second * len(probes))
        due = time.monotonic()
        for probe in itertools.chain.from_iterable(itertools.repeat(probes, times)):
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pace, time.monotonic())
            self._ask_once(probe, result[probe.name])
        return result

    def _ask_once(self, probe: Probe, times: Times) -> None:
        request = next(probe.requests)
        began = time.perf_counter()
        self._socket.sendto(request, probe.to)
        status = self._answer(request)
        taken = time.perf_counter() - began
        if status == b"200":
            times.taken.append(taken)
        else:
            times.lost += 1

    def _answer(self, request: bytes) -> bytes:
        """Wait for the final answer; return its status, or nothing."""
        asked = _header(request, b"\r\nCSeq: ")
        deadline = time.monotonic() + ANSWER_WITHIN
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                answer = self._socket.recv(65535)
            except TimeoutError:
                break
            status = answer[8:11]
            if _header(answer, b"\r\nCSeq: ") == asked and status >= b"200":
                return status
        return b""


def _header(message: bytes, start: bytes) -> bytes:
    return message.partition(start)[2].partition(b"\r\n")[0]
