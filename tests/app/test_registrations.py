"""The book: hears without waiting, writes in order, loses nothing for good."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscfd.app import registrations
from epcscfd.app.registrations import RegistrationBook, Written
from epcscfd.domain.registration import Boot, Cause, Gone, Joined, RollEnded, Stands, steps_of
from epcscfd.domain.release import releases
from epcscfd.domain.revocation import Revocations
from epcscfd.errors import Unavailable
from tests.builders import NOW, a_revocation, from_now
from tests.fakes.clock import FrozenClock
from tests.fakes.memory import MemoryRevocations
from tests.fakes.registrations import EDGE1, SeenRegistrations, a_registration


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from epcscfd.domain.registration import Entry, Told

ALICE = a_registration(id="alice")


@dataclass
class MemoryStore:
    """Writes when it is open, fails when it is told to."""

    told: list[Told] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    breakdowns: list[Exception] = field(default_factory=list)

    async def write(self, told: Sequence[Told], is_revoked: Callable[[Entry], bool]) -> Written:
        await self.open.wait()
        if self.breakdowns:
            raise self.breakdowns.pop()
        self.told += told
        changes = [each for each in told if isinstance(each, Stands | Gone)]
        steps = steps_of(self.entries, changes, NOW)
        ended = [step.after for step in steps if step.ended and step.after]
        return Written(steps, releases(ended, self.entries.values(), is_revoked, NOW))


@dataclass
class Rig:
    store: MemoryStore
    seen: SeenRegistrations
    book: RegistrationBook
    revocations: MemoryRevocations
    calls: list[str] = field(default_factory=list)

    def join(self, boot: Boot = EDGE1) -> registrations.Conversing:
        return self.book.join(boot, lambda: self.calls.append(boot.boot_id))


@pytest_asyncio.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(registrations, "GATHER", 0)
    monkeypatch.setattr(registrations, "PAUSE", 0)
    store, seen, revocations = MemoryStore(), SeenRegistrations(), MemoryRevocations()
    store.open.set()
    book = RegistrationBook(store, seen, FrozenClock(), revocations)  # type: ignore[arg-type]
    running = asyncio.create_task(book.run())
    yield Rig(store, seen, book, revocations)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_is_heard_is_written_in_its_order(rig: Rig) -> None:
    edge = rig.join()
    rig.book.stands(edge, ALICE)
    rig.book.roll_ended(edge)
    rig.book.ended(edge, "alice", Cause.CLIENT)
    await rig.book.settled()

    assert rig.store.told == [
        Joined(EDGE1, edge.roll),
        Stands(ALICE, edge.roll),
        RollEnded(EDGE1, edge.roll),
        Gone(ALICE.key, Cause.CLIENT),
    ]
    assert rig.seen.lines == ["alice began", "alice client"]


async def test_hearing_does_not_wait_for_the_store(rig: Rig) -> None:
    rig.store.open.clear()
    edge = rig.join()
    rig.book.stands(edge, ALICE)

    assert rig.store.told == []
    rig.store.open.set()
    await rig.book.settled()
    assert len(rig.store.told) == 2


async def test_a_store_that_fails_is_tried_again_with_the_same(rig: Rig) -> None:
    rig.store.breakdowns = [Unavailable("store"), Unavailable("store")]
    edge = rig.join()
    rig.book.stands(edge, ALICE)
    await rig.book.settled()

    assert len(rig.store.told) == 2
    assert len(rig.seen.failures) == 2


async def test_no_two_conversations_have_the_same_roll(rig: Rig) -> None:
    rolls = [rig.join().roll for _ in range(5)]

    assert sorted(set(rolls)) == rolls


async def test_an_edge_that_was_dropped_is_asked_for_its_roll_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "ROOM", 2)
    rig.store.open.clear()
    edge = rig.join()
    for number in range(4):
        rig.book.stands(edge, a_registration(id=str(number)))
    rig.store.open.set()
    await rig.book.settled()

    assert rig.seen.dropped == [EDGE1]
    assert rig.calls == ["b1"]


async def test_the_end_of_a_roll_from_before_the_call_ends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "ROOM", 2)
    rig.store.open.clear()
    edge = rig.join()
    rig.book.stands(edge, ALICE)
    rig.book.stands(edge, a_registration(id="bob"))
    rig.store.open.set()
    await rig.book.settled()

    rig.book.roll_ended(edge)
    await rig.book.settled()
    assert not any(isinstance(each, RollEnded) for each in rig.store.told)

    rig.book.stands(edge, ALICE)
    rig.book.roll_ended(edge)
    await rig.book.settled()
    assert rig.store.told[-1] == RollEnded(EDGE1, edge.roll)


async def test_a_conversation_that_was_followed_by_another_is_not_heard(rig: Rig) -> None:
    old, new = rig.join(), rig.join()
    rig.book.stands(old, ALICE)
    rig.book.roll_ended(old)
    rig.book.leave(old)
    rig.book.stands(new, ALICE)
    await rig.book.settled()

    assert rig.store.told == [
        Joined(EDGE1, old.roll),
        Joined(EDGE1, new.roll),
        Stands(ALICE, new.roll),
    ]


@pytest.mark.parametrize(("revoked", "until"), [(False, from_now(600)), (True, None)])
async def test_an_identity_is_released_with_the_end_of_what_could_bring_it_back(
    rig: Rig, *, revoked: bool, until: object
) -> None:
    rung = []
    rig.book.released = lambda: rung.append(1)
    edge = rig.join()
    rig.book.stands(edge, ALICE)
    await rig.book.settled()
    if revoked:
        of_impi = a_revocation(whom="impi", value="alice@home1.net")
        rig.revocations.known = Revocations((of_impi,))
    rig.book.ended(edge, "alice", Cause.ORDERED)
    await rig.book.settled()

    (release,) = rig.seen.released
    assert (release.cause, release.may_return_until) == (Cause.ORDERED, until)
    assert rung == [1]
