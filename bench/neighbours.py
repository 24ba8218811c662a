"""What others feel: OPTIONS of the core's side while REGISTERs storm in.

The storm has a pace that the machine can carry; beyond that, everybody waits for a CPU and
there would be nothing to see of whom waits for whom.
"""

from __future__ import annotations

import contextlib

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench.latency import Probe, Prober, Times
from bench.rates import KNOWN_USERS, SCENARIO
from bench.sipp import Load, Script, Sipp
from bench.stand import Stand
from bench.users import Users
from lab.cscf import Address


STORM = 1000
"REGISTERs per second: a third of what two cores judge."

PROBES_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Situation:
    """What goes on around the probes."""

    name: str
    title: str
    probed: Callable[[Stand], Address]
    stormed: Callable[[Stand], Address] | None = None
    unseen: bool = False
    "Whether the storm is of first sights."
    frozen: bool = False
    "Whether the sidecar stands still meanwhile."


SITUATIONS = (
    Situation("calm", "nothing else", lambda stand: stand.doors.core),
    Situation(
        "bare_storm",
        "the storm, on bare save()",
        lambda stand: stand.save_address,
        lambda stand: stand.save_address,
    ),
    Situation(
        "first_sights",
        "the storm, all first sights",
        lambda stand: stand.doors.core,
        lambda stand: stand.doors.load_test,
        unseen=True,
    ),
    Situation(
        "refreshes",
        "the storm, all known",
        lambda stand: stand.doors.core,
        lambda stand: stand.doors.load_test,
    ),
    Situation(
        "frozen",
        "the storm, all known, sidecar frozen",
        lambda stand: stand.doors.core,
        lambda stand: stand.doors.load_test,
        frozen=True,
    ),
)


@dataclass(slots=True)
class Felt:
    """All that came of one situation."""

    probes: Times
    registers: int = 0
    failed: int = 0
    "REGISTERs of the storm without the 200 they should have got."


class Neighbours:
    """Probes in each situation in turn."""

    def __init__(self, stand: Stand, seconds: float) -> None:
        self._stand = stand
        self._dir = stand.run_dir
        self._seconds = seconds
        self._users = Users(stand.issuer, KNOWN_USERS, self._dir)
        self._known = Script(SCENARIO, self._users.own_tokens(KNOWN_USERS))
        self.felt: Mapping[str, Felt] = {one.name: Felt(Times()) for one in SITUATIONS}

    def warm_up(self) -> None:
        """Make the users known."""
        to, load = self._stand.doors.load_test, Load(KNOWN_USERS)
        with Sipp(self._dir, self._known, to, load) as sipp:
            sipp.outcome()

    def round(self) -> None:
        """Go through all situations once."""
        for situation in SITUATIONS:
            felt = self.felt[situation.name]
            with self._sidecar(situation), self._storm(situation, felt):
                times = self._probe(situation.probed(self._stand))
            felt.probes.taken += times.taken
            felt.probes.lost += times.lost

    @contextlib.contextmanager
    def _sidecar(self, situation: Situation) -> Iterator[None]:
        if not situation.frozen:
            yield
            return
        self._stand.sidecar.freeze()
        try:
            yield
        finally:
            self._stand.sidecar.thaw()
            self._stand.edge.wait_for_policy()

    @contextlib.contextmanager
    def _storm(self, situation: Situation, felt: Felt) -> Iterator[None]:
        if situation.stormed is None:
            yield
            return
        # a second longer than the probes, for the start of SIPp
        calls = round(STORM * (self._seconds + 1))
        script = Script(SCENARIO, self._users.own_tokens(calls)) if situation.unseen else None
        load = Load(calls, rate=STORM, outstanding=calls)
        to = situation.stormed(self._stand)
        with Sipp(self._dir, script or self._known, to, load) as sipp:
            yield
            outcome = sipp.outcome()
        felt.registers += calls
        felt.failed += outcome.failed

    def _probe(self, to: Address) -> Times:
        with contextlib.closing(Prober()) as prober:
            probe = Probe("options", to, prober.options())
            count = round(self._seconds * PROBES_PER_SECOND)
            return prober.ask([probe], count, PROBES_PER_SECOND)["options"]
