"""What a restarted edge left in the core: reclaimed, or taken out, and never more than that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from epcscfd.app import leftovers
from epcscfd.app.leftovers import Leftovers, Rules
from epcscfd.domain.orders import Deregister, Progress
from epcscfd.domain.registration import Boot, Cause, Gone, Joined, Stands, State
from epcscfd.store.leftover_store import SqlLeftovers
from epcscfd.store.registration_store import SqlRegistrations
from tests.builders import a_policy, from_now, some_rules
from tests.fakes.clock import FrozenClock
from tests.fakes.memory import MemoryPolicySource
from tests.fakes.registrations import EDGE1, a_registration


if TYPE_CHECKING:
    from collections.abc import Iterable

    from epcscfd.domain.orders import Errand
    from epcscfd.domain.registration import Change, Registration
    from tests.adapters.conftest import Kept

LATER = Boot("edge1", "b2")
ALICE, BOB = (
    a_registration(
        id=name,
        impi=f"{name}@home1.net",
        impu=f"sip:{name}@home1.net",
        contact=f"sip:{name}@x.invalid",
    )
    for name in ("alice", "bob")
)
DONE = Progress(registrations=1, cut=True, finished=True)
FAILED = replace(DONE, failed=1)


@dataclass
class Line:
    orders: list[tuple[str, Errand]] = field(default_factory=list)

    def order(self, orders: Iterable[tuple[str, Errand]]) -> None:
        self.orders += orders

    @property
    def told(self) -> list[str]:
        return [each.impu for _, each in self.orders if isinstance(each, Deregister)]


class Rig:
    def __init__(self, kept: Kept) -> None:
        self.clock = FrozenClock()
        self.registrations = SqlRegistrations(kept.engine, self.clock)
        self.store = SqlLeftovers(kept.engine)
        rules = Rules(some_rules(), timedelta(seconds=60))
        self.leftovers = Leftovers(self.store, MemoryPolicySource(a_policy()), rules, self.clock)
        self.concluded: list[Change] = []
        self.leftovers.conclude = self.concluded.append
        self.line = Line()

    async def restart(self, *left: Registration) -> None:
        """Have edge1 die with these, and come back."""
        await self.registrations.write([Joined(EDGE1, 1), *(Stands(each, 1) for each in left)])
        await self.registrations.write([Joined(LATER, 2)])
        self.leftovers.join(LATER, self.line)

    async def tend(self, after: float) -> None:
        """Let time pass, and look; what is concluded is written down."""
        self.clock.advance(after)
        await self.leftovers.tend()
        await self.registrations.write(self.concluded)

    async def ended(self) -> dict[str, Cause | None]:
        found = [await self.registrations.get(each.key) for each in (ALICE, BOB)]
        return {each.registration.id: each.cause for each in found if each.state is State.ENDED}


@pytest.fixture
def rig(kept: Kept) -> Rig:
    return Rig(kept)


async def test_for_a_grace_period_nothing_is_done(rig: Rig) -> None:
    await rig.restart(ALICE)
    await rig.tend(59)
    assert rig.line.told == []

    await rig.tend(1)
    assert rig.line.told == ["sip:alice@home1.net"]


async def test_the_same_contact_reclaims_it_at_any_edge(rig: Rig) -> None:
    await rig.restart(ALICE, BOB)
    back = replace(ALICE, boot=Boot("edge2", "b1"), id="new")
    await rig.registrations.write([Stands(back, 3)])
    await rig.tend(60)

    assert rig.line.told == ["sip:bob@home1.net"]
    assert rig.concluded == [Gone(ALICE.key, Cause.REPLACED)]


async def test_another_contact_of_the_same_user_does_not_reclaim_it(rig: Rig) -> None:
    await rig.restart(ALICE)
    back = replace(ALICE, boot=LATER, id="new", contact="sip:other@x.invalid")
    await rig.registrations.write([Stands(back, 3)])
    await rig.tend(60)

    (_, errand) = rig.line.orders[0]
    assert isinstance(errand, Deregister)
    assert errand.contact == ALICE.contact


async def test_it_is_over_when_the_core_has_said_so(rig: Rig) -> None:
    await rig.restart(ALICE)
    await rig.tend(60)
    (order_id, _) = rig.line.orders[0]
    assert rig.leftovers.progressed(LATER, order_id, Progress(outstanding=1))
    assert rig.concluded == []

    assert rig.leftovers.progressed(LATER, order_id, DONE)
    assert rig.concluded == [Gone(ALICE.key, Cause.EDGE_LOST)]


async def test_what_the_core_does_not_answer_is_told_again_later(rig: Rig) -> None:
    await rig.restart(ALICE)
    await rig.tend(60)
    assert rig.leftovers.progressed(LATER, rig.line.orders[0][0], FAILED)
    await rig.tend(59)
    assert len(rig.line.orders) == 1

    await rig.tend(1)
    assert len(rig.line.orders) == 2
    assert rig.concluded == []


async def test_nothing_is_told_twice_while_it_is_under_way(rig: Rig) -> None:
    await rig.restart(ALICE)
    await rig.tend(60)
    await rig.tend(60)

    assert len(rig.line.orders) == 1


async def test_an_edge_that_comes_back_is_told_again(rig: Rig) -> None:
    await rig.restart(ALICE)
    await rig.tend(60)
    again = Line()
    rig.leftovers.leave(LATER, rig.line)
    rig.leftovers.join(LATER, again)
    await rig.tend(1)

    assert again.told == ["sip:alice@home1.net"]


async def test_an_edge_is_told_of_some_at_a_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "AT_ONCE", 1)
    await rig.restart(ALICE, BOB)
    await rig.tend(60)
    assert len(rig.line.orders) == 1

    rig.leftovers.progressed(LATER, rig.line.orders[0][0], DONE)
    await rig.registrations.write(rig.concluded)
    await rig.tend(1)
    assert set(rig.line.told) == {"sip:alice@home1.net", "sip:bob@home1.net"}


@pytest.mark.parametrize("changes", [{"local": True}, {"scope": ""}])
async def test_what_the_core_has_not_from_us_ends_by_itself(
    rig: Rig, changes: dict[str, object]
) -> None:
    await rig.restart(replace(ALICE, **changes))
    await rig.tend(60)

    assert rig.line.orders == []
    assert rig.concluded == [Gone(ALICE.key, Cause.EDGE_LOST)]


async def test_an_edge_that_does_not_come_back_leaves_nothing_for_ever(rig: Rig) -> None:
    await rig.registrations.write([Joined(EDGE1, 1), Stands(ALICE, 1)])
    await rig.tend(600 + 119)
    assert rig.concluded == []

    await rig.tend(1)
    assert rig.concluded == [Gone(ALICE.key, Cause.EXPIRED)]


async def test_what_an_edge_that_is_here_has_is_for_it_to_end(rig: Rig) -> None:
    await rig.registrations.write([Joined(EDGE1, 1), Stands(ALICE, 1)])
    rig.leftovers.join(EDGE1, rig.line)
    await rig.tend(3600)

    assert rig.concluded == []


async def test_word_of_orders_that_are_not_ours_is_for_others(rig: Rig) -> None:
    rig.leftovers.join(LATER, rig.line)

    assert not rig.leftovers.progressed(LATER, "o1", DONE)
    assert not rig.leftovers.progressed(EDGE1, "o1", DONE)


async def test_what_can_come_back_no_more_is_forgotten(rig: Rig) -> None:
    ended = [Gone(each.key, Cause.CLIENT) for each in (ALICE, BOB)]
    bob = replace(BOB, token_expires_at=from_now(60))
    await rig.registrations.write([Stands(ALICE, 1), Stands(bob, 1), *ended])

    await rig.store.forget(from_now(61))

    assert (await rig.registrations.get(ALICE.key)).is_over
    assert await rig.store.left("edge1", from_now(999), 10) == ()
    with pytest.raises(Exception, match=BOB.key):
        await rig.registrations.get(BOB.key)


async def test_what_stands_is_counted_by_edge_and_wwsf(rig: Rig) -> None:
    await rig.registrations.write([Stands(ALICE, 1), Stands(BOB, 1), Gone(BOB.key, Cause.CLIENT)])

    assert await rig.store.counts() == {("edge1", "shop"): 1}
    assert await rig.store.wwsfs_at("edge1") == ["shop"]
