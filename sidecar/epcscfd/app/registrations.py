"""Registrations: what edges tell is gathered, and written down off the hot path.

* Hearing never waits: judging runs in the same loop and must not feel a disk.
* What is heard is written in the order in which it was heard, many changes at a time.
* Memory is bounded. If the store cannot keep up, reports are dropped, and the edges whose reports
  those were are asked for their roll again, which makes up for all of them.
* A store that fails is tried again; nothing is taken for written that is not.
"""

from __future__ import annotations

import asyncio

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.registration import Gone, Joined, RollEnded, Stands, key_of


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from epcscfd.domain.registration import Boot, Cause, Change, Entry, Registration, Step, Told
    from epcscfd.domain.release import Release
    from epcscfd.ports import Clock, RevocationSource

GATHER = 0.05
"""Seconds in which changes gather: a write costs as much CPU time as thirty of them, be it for one
or for a hundred. Longer would have operators wait for what they ask for."""

BATCH = 200
"Changes in one write. More would cost less CPU time each, and keep the judge waiting longer."

ROOM = 50_000
"Changes that may wait to be written; about 50 MB, and ten seconds of a busy node."

PAUSE = 1.0
"Seconds before a store that has failed is tried again."


@dataclass(frozen=True, slots=True)
class Page:
    """Some registrations, in order of their keys."""

    entries: tuple[Entry, ...]
    next_token: str
    "Opaque; empty: there are no more."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which registrations to list. Empty: any."""

    impi: str = ""
    impu: str = ""
    wwsf: str = ""
    node: str = ""
    ended: bool = False
    "Whether also those that are over."


@dataclass(frozen=True, slots=True)
class Written:
    """What came of what was told."""

    steps: tuple[Step, ...]
    released: tuple[Release, ...]
    "Each is kept as an event."


class RegistrationStore(Protocol):
    """Keeps the copy. Every method raises Unavailable if it cannot."""

    async def write(self, told: Sequence[Told], is_revoked: Callable[[Entry], bool]) -> Written:
        """Write down what was told, in order, all of it or nothing.

        *is_revoked* tells whether the token by which something stood is good no more.
        """
        ...

    async def list(self, wanted: Wanted, size: int, token: str) -> Page:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...

    async def get(self, key: str) -> Entry:
        """Give one. Raise NotFound."""
        ...


class RegistrationWatch(Protocol):
    """Is told what becomes of registrations."""

    def registration_began(self, entry: Entry) -> None:
        """Note that a registration has begun."""
        ...

    def registration_ended(self, entry: Entry) -> None:
        """Note that one has ended."""
        ...

    def identity_released(self, release: Release) -> None:
        """Note that an identity is registered no more."""
        ...

    def reports_dropped(self, boot: Boot) -> None:
        """Note that there is no room for what an edge tells."""
        ...

    def writing_failed(self, error: Exception) -> None:
        """Note that the copy could not be written; it will be tried again."""
        ...

    def written(self) -> None:
        """Note that it has been written."""
        ...


@dataclass(slots=True, eq=False)
class Conversing:
    """One conversation with an edge, as the book sees it."""

    boot: Boot
    roll: int
    call_roll: Callable[[], None]
    rolls_awaited: int = 1
    doubtful: bool = False
    "Whether something that it told was dropped."


class RegistrationBook:
    """Hears what edges tell, and has it written down."""

    def __init__(
        self,
        store: RegistrationStore,
        watch: RegistrationWatch,
        clock: Clock,
        revocations: RevocationSource,
    ) -> None:
        self._store = store
        self._revocations = revocations
        self.released: Callable[[], None] = _nobody
        "Called when there are new events."
        self._watch = watch
        self._clock = clock
        self._told: deque[Told] = deque()
        self._heard = asyncio.Event()
        self._wrote = asyncio.Condition()
        self._count_heard = self._count_written = 0
        self._conversing: dict[str, Conversing] = {}
        self._last_roll = 0

    def join(self, boot: Boot, call_roll: Callable[[], None]) -> Conversing:
        """Begin to hear *boot*, which will tell its roll; *call_roll* asks for it once more."""
        conversing = Conversing(boot, self._next_roll(), call_roll)
        self._conversing[boot.node] = conversing
        self._take(Joined(boot, conversing.roll))
        return conversing

    def leave(self, conversing: Conversing) -> None:
        """Hear no more of a conversation."""
        if self._conversing.get(conversing.boot.node) is conversing:
            del self._conversing[conversing.boot.node]

    def stands(self, conversing: Conversing, registration: Registration) -> None:
        """Hear that *registration* stands."""
        self._hear(conversing, Stands(registration, conversing.roll))

    def ended(self, conversing: Conversing, id_: str, cause: Cause) -> None:
        """Hear that the registration *id_* has ended."""
        key = key_of(conversing.boot.node, conversing.boot.boot_id, id_)
        self._hear(conversing, Gone(key, cause))

    def roll_ended(self, conversing: Conversing) -> None:
        """Hear that all that stands has been told."""
        conversing.rolls_awaited -= 1
        # The end of a roll that was called for anew says nothing about the new one.
        if conversing.rolls_awaited == 0:
            self._hear(conversing, RollEnded(conversing.boot, conversing.roll))

    def conclude(self, change: Change) -> None:
        """Take in the end of something that no edge will tell of any more."""
        self._take(change)

    def _next_roll(self) -> int:
        # Microseconds, so that it differs from all that an earlier process has written down.
        now = int(self._clock.now().timestamp() * 1_000_000)
        self._last_roll = max(now, self._last_roll + 1)
        return self._last_roll

    def _hear(self, conversing: Conversing, told: Told) -> None:
        # An edge that is back has two conversations until the old one is found to be broken.
        if self._conversing.get(conversing.boot.node) is not conversing:
            return
        if len(self._told) < ROOM and not conversing.doubtful:
            self._take(told)
        elif not conversing.doubtful:
            conversing.doubtful = True
            self._watch.reports_dropped(conversing.boot)

    def _take(self, told: Told) -> None:
        self._told.append(told)
        self._count_heard += 1
        self._heard.set()

    async def settled(self) -> None:
        """Wait until all that has been heard so far is written."""
        heard = self._count_heard
        async with self._wrote:
            await self._wrote.wait_for(lambda: self._count_written >= heard)

    async def run(self) -> None:
        """Write what is heard, until cancelled."""
        while True:
            await self._heard.wait()
            if len(self._told) < BATCH:
                await asyncio.sleep(GATHER)
            await self._write()

    async def _write(self) -> None:
        batch = [self._told[index] for index in range(min(BATCH, len(self._told)))]
        try:
            written = await self._store.write(batch, self._is_revoked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._watch.writing_failed(error)
            await asyncio.sleep(PAUSE)
            return
        self._watch.written()
        for _ in batch:
            self._told.popleft()
        self._tell(written)
        if not self._told:
            self._heard.clear()
            self._call_rolls()
        self._count_written += len(batch)
        async with self._wrote:
            self._wrote.notify_all()

    def _is_revoked(self, entry: Entry) -> bool:
        return self._revocations.current().of_entry(entry) is not None

    def _tell(self, written: Written) -> None:
        for step in written.steps:
            if step.began and step.after:
                self._watch.registration_began(step.after)
            elif step.ended and step.after:
                self._watch.registration_ended(step.after)
        for release in written.released:
            self._watch.identity_released(release)
        if written.released:
            self.released()

    def _call_rolls(self) -> None:
        for conversing in self._conversing.values():
            if conversing.doubtful:
                conversing.doubtful = False
                conversing.roll = self._next_roll()
                conversing.rolls_awaited += 1
                conversing.call_roll()


def _nobody() -> None:
    """Stand in until somebody wants to know."""
