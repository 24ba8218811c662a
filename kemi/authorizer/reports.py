"""What becomes of registrations, told to the sidecar.

The native routes queue what happens (routes/bindings.cfg, EPCSCF_TELL). It is told in its
order, in batches. While no stream is open it is kept; whatever is lost on the way, the
roll of the next stream makes good: all that stands, in slices, between the reports.
"""

from __future__ import annotations

import itertools
import time

from collections import deque
from typing import TYPE_CHECKING

from authorizer.standing import registration
from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import registrations_pb2 as told


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from authorizer.kamailio import Kamailio
    from authorizer.roster import Roster

QUEUE = "ep_report"
AT_ONCE = 256
"Records per look, and registrations per frame; some 60 us each."
KEPT_AT_MOST = 80
"Frames of reports that wait for a stream; beyond, the oldest are forgotten."

CAUSES = {name.removeprefix("CAUSE_").lower(): number for name, number in told.Cause.items()}
"By the names that the native routes use."


class Reports:
    """Takes what is queued, tells what can be told."""

    def __init__(
        self, kamailio: Kamailio, roster: Roster, say: Callable[[pb.FromEdge], None]
    ) -> None:
        self._kamailio = kamailio
        self._roster = roster
        self._say = say
        self._kept: deque[pb.FromEdge] = deque(maxlen=KEPT_AT_MOST)
        self._unread: set[str] = set()
        "Registrations that had ended before their rows could be read; the word on it follows."
        self._untold = 0
        self._roll: Iterator[str] | None = None
        self.open = False
        "Whether a stream is there to be told on."
        self.others: dict[str, Callable[[str], None]] = dict(roster.tales)
        "Who hears of records that are no reports, by kind."

    def call_roll(self) -> None:
        """Tell all that stands, from the beginning."""
        self._roll = iter(self._kamailio.keys("ep_binding"))

    def work(self) -> bool:
        """Take and tell a slice; return whether there may be more."""
        taken = self._take_in()
        untold = self._kamailio.count("untold")
        if untold != self._untold:
            self._untold = untold
            self._kamailio.warn(f"reports.lost so_far={untold}")
            self._unread.clear()
            self.call_roll()
        if not self.open:
            return taken == AT_ONCE
        self._tell()
        return self._tell_roll() or taken == AT_ONCE

    def _take_in(self) -> int:
        taken = 0
        for kind, tale in itertools.islice(self._kamailio.fetch(QUEUE), AT_ONCE):
            taken += 1
            if kind in self.others:
                self.others[kind](tale)
            else:
                self._report(kind, tale)
        return taken

    def _report(self, kind: str, tale: str) -> None:
        match kind:
            case "stands":
                self._roster.enter(tale)
                row, left = self._kamailio.row_and_life("ep_binding", tale)
                if row is None:
                    self._unread.add(tale)
                elif stands := self._read(tale, row, left):
                    self._add(stands=stands)
            case "ended":
                self._ended(tale)
            case "declined":
                status, _, decision = tale.partition("|")
                self._add(declined={"decision_id": decision, "status": int(status)})
            case _:
                self._kamailio.warn(f"report.malformed kind={kind!r}")

    def _add(self, **event: Mapping[str, object]) -> None:
        """Keep a report, made in its place: one that is put there would be copied."""
        if not self._kept or len(self._kept[-1].reports.reports) >= AT_ONCE:
            self._kept.append(pb.FromEdge())
        self._kept[-1].reports.reports.add(**event)

    def _ended(self, tale: str) -> None:
        cause, connection, impu, row = (*tale.split("|", 3), "")[:4]
        key = f"{connection}|{impu}"
        self._roster.leave(key)
        if key in self._unread:
            # it was brief, and still somebody had the identity
            self._unread.discard(key)
            if stood := self._read(key, row, 0):
                self._add(stands=stood)
        self._add(ended={"id": key, "cause": CAUSES[cause]})

    def _standing(self, key: str) -> Mapping[str, object] | None:
        """Read a registration; one that has ended meanwhile is told as that later."""
        row, left = self._kamailio.row_and_life("ep_binding", key)
        return None if row is None else self._read(key, row, left)

    def _read(self, key: str, row: str, left: int) -> Mapping[str, object] | None:
        try:
            return registration(key, row, int(time.time()) + left)
        except ValueError as error:
            self._kamailio.warn(f"registration.malformed why={error}")
            return None

    def _tell(self) -> None:
        while self._kept:
            self._say(self._kept.popleft())

    def _tell_roll(self) -> bool:
        if self._roll is None:
            return False
        keys = list(itertools.islice(self._roll, AT_ONCE))
        frame = pb.FromEdge()
        for key in keys:
            if (each := self._standing(key)) is not None:
                frame.roll.registrations.add(**each)
        complete = len(keys) < AT_ONCE
        frame.roll.complete = complete
        self._say(frame)
        if complete:
            self._roll = None
        return not complete
