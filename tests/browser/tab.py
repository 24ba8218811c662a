"""One page in Chromium with a stock SIP library in it, and what it sent, heard and felt."""

from __future__ import annotations

import contextlib

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from lab.sip import SipMessage
from lab.waiting import wait_until


PATIENCE = 25.0
"Seconds; longer than all timers of an eP-CSCF together, so that only a hang gets here."
LOOK_EVERY = 20
WIND_STEP = 5_000
"Milliseconds; all that a library waits between two tries, at first."
WIND_STEPS = 6
HOLD_MARGINS = (0.02, 0.1, 0.5, 2.0)
"Seconds, each for a busier machine: a clock is held at a moment to come."

LIBRARIES = ("jssip", "sipjs")


@dataclass(frozen=True, slots=True)
class Closed:
    """How a WebSocket ended, as the page is told."""

    code: int
    reason: str


def cut(code: int, reason: str) -> set[Closed]:
    """Return what a page may be told of the end that the edge puts to a connection.

    On a busy machine the end of TCP overtakes the Close frame; libraries do not care.
    """
    return {Closed(code, reason), Closed(1006, "")}


@dataclass
class Recorded:
    """A page of a WWSF, and what went over its WebSockets."""

    page: Page

    def wait(self, predicate: str, *, seconds: float = PATIENCE, argument: Any = None) -> None:
        """Wait until a JavaScript *predicate* holds in the page."""
        try:
            self.page.wait_for_function(
                predicate, arg=argument, timeout=seconds * 1000, polling=LOOK_EVERY
            )
        except PlaywrightTimeout:
            told = self.page.evaluate(
                "() => JSON.stringify([window.events ?? [], window.wire], null, 1)"
            )
            said = [message.text for message in self.page.console_messages()]
            raise TimeoutError(f"not within {seconds:g} s: {argument}\n{told}\n{said}") from None

    def wait_for_answers(self, method: str, count: int, *, seconds: float = PATIENCE) -> None:
        """Wait until that many final responses to requests of this method have come."""
        enough = "([method, count]) => window.answers(method).length >= count"
        self.wait(enough, seconds=seconds, argument=[method, count])

    def settle(self) -> None:
        """Wait until no socket is about to open and no REGISTER is unanswered."""
        self.wait("() => window.settled()")

    def hold_clock(self) -> None:
        """Stop the page's clock: what the library waits for comes when it is wound."""
        for margin in HOLD_MARGINS:
            with contextlib.suppress(PlaywrightError):  # that moment is over before it is said
                now = self.page.evaluate("() => Date.now() / 1000")
                self.page.clock.pause_at(now + margin)
                return
        raise TimeoutError("the clock of the page cannot be held")

    def wire(self, kind: str) -> list[dict[str, Any]]:
        """What happened on its WebSockets: `opening`, `opened`, `sent`, `heard`, `closed`."""
        noted: list[dict[str, Any]] = self.page.evaluate("() => window.wire")
        return [entry for entry in noted if entry["kind"] == kind]

    def sent(self, method: str) -> list[SipMessage]:
        """Requests of this method that it sent, oldest first."""
        messages = self._messages("sent")
        return [m for m in messages if m.start_line.startswith(f"{method} ")]

    def answers(self, method: str) -> list[SipMessage]:
        """Final responses to requests of this method, oldest first."""
        messages = self._messages("heard")
        final = [m for m in messages if (m.status or 0) >= 200]
        return [m for m in final if m.one("CSeq").endswith(f" {method}")]

    def wait_to_hear(self, hz: int) -> None:
        """Wait until the other end's tone is the strongest that is played here."""
        self.wait("hz => Math.abs(window.heard() - hz) < 30", argument=hz)

    def wait_for_silence(self) -> None:
        """Wait until nothing is played here."""
        self.wait("() => window.heard() === 0")

    def traffic(self) -> dict[str, Any]:
        """Packets `sent` and `received` in its call so far, and the state of `dtls`."""
        counted: dict[str, Any] = self.page.evaluate("() => window.traffic()")
        return counted

    def wait_for_traffic(self, packets: int) -> None:
        """Wait until that many packets have gone either way in its call."""
        wait_until(
            lambda: min(self.traffic()["sent"], self.traffic()["received"]) >= packets,
            seconds=PATIENCE,
            what="media",
        )

    def closed(self) -> list[Closed]:
        """How its WebSockets ended, oldest first."""
        return [Closed(entry["code"], entry["reason"]) for entry in self.wire("closed")]

    def _messages(self, kind: str) -> list[SipMessage]:
        frames = (entry["text"].encode() for entry in self.wire(kind))
        return [SipMessage.parse(frame) for frame in frames if frame.strip()]


@dataclass
class Tab(Recorded):
    """One with a stock library in it, ready to start its WIC."""

    library: str

    def start(self, impu: str, server: str, authorization: str, expires: int = 600) -> None:
        """Connect and register, as the library does."""
        options = {
            "library": self.library,
            "impu": impu,
            "server": server,
            "authorization": authorization,
            "expires": expires,
        }
        self.page.evaluate("options => window.start(options)", options)

    def renew(self, authorization: str) -> None:
        """Give the library another credential and let it register."""
        self.page.evaluate("value => void window.wic.renew(value)", authorization)

    def call(self, target: str) -> None:
        """Let the library call this identity."""
        self.page.evaluate("target => void window.wic.call(target)", target)

    def hang_up(self) -> None:
        """Let the library end its call."""
        self.page.evaluate("() => void window.wic.hangUp()")

    def press_key(self) -> None:
        """Let the library send a key of the number pad by INFO."""
        self.page.evaluate("() => void window.wic.pressKey()")

    def hold(self, *, held: bool) -> None:
        """Let the library hold its call, or go on with it."""
        self.page.evaluate("held => void window.wic.hold(held)", held)

    def unregister(self) -> None:
        """Let the library end its registration."""
        self.page.evaluate("() => void window.wic.unregister()")

    def wait_for(self, event: str, count: int = 1, *, seconds: float = PATIENCE) -> Any:
        """Wait for the *count*-th event of this name; return its detail."""
        find = "([name, count]) => window.events.filter(e => e.name === name)[count - 1]"
        self.wait(find, seconds=seconds, argument=[event, count])
        return self.page.evaluate(f"{find}?.detail", [event, count])

    def wind_until(self, event: str, count: int = 1) -> None:
        """Let the library's own waiting pass until the *count*-th event of this name.

        The page's clock must be in our hands. What is on the way is awaited between steps,
        so a library that tries again does so as often as it would in that time.
        """
        for _ in range(WIND_STEPS):
            if self.events().count(event) >= count:
                break
            self.page.clock.fast_forward(WIND_STEP)
            self.settle()
        self.wait_for(event, count)

    def events(self) -> list[str]:
        """Names of what the library told its application, oldest first."""
        names: list[str] = self.page.evaluate("() => window.events.map(e => e.name)")
        return names
