"""The desk: what is ordered reaches every edge, once, whenever that is here."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscfd.app import orders
from epcscfd.app.orders import OrderDesk
from epcscfd.domain.orders import Cut, Order, Progress, Target
from epcscfd.domain.registration import Boot, Joined
from epcscfd.errors import NotFound, Unavailable
from epcscfd.store.order_store import SqlOrders
from epcscfd.store.registration_store import SqlRegistrations
from tests.fakes.clock import FrozenClock
from tests.fakes.registrations import EDGE1


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.adapters.conftest import Kept

CUT = Order("o1", Cut(Target.WWSF, "shop"))
DONE = Progress(registrations=2, connections=2, cut=True, finished=True)


@dataclass
class Heard:
    """An edge's end of the line."""

    orders: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def call_roll(self) -> None:
        pass

    def order(self, orders: Iterable[tuple[str, object]]) -> None:
        self.orders += [order_id for order_id, _ in orders]
        self.came.set()


@dataclass
class Notes:
    lines: list[str] = field(default_factory=list)

    def order_issued(self, order: Order) -> None:
        self.lines.append(f"{order.id} issued")

    def order_finished(self, boot: Boot, order_id: str, progress: Progress) -> None:
        self.lines.append(f"{order_id} finished at {boot.node}")

    def orders_failed(self, error: Exception) -> None:
        self.lines.append(str(error))


@dataclass
class Rig:
    store: SqlOrders
    notes: Notes
    desk: OrderDesk


@pytest_asyncio.fixture
async def rig(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(orders, "PAUSE", 0)
    store, notes = SqlOrders(kept.engine, FrozenClock()), Notes()
    await SqlRegistrations(kept.engine, FrozenClock()).write([Joined(EDGE1, 1)])
    desk = OrderDesk(store, notes)
    running = asyncio.create_task(desk.run())
    yield Rig(store, notes, desk)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_edge_that_is_here_is_given_it_at_once(rig: Rig) -> None:
    line = Heard()
    rig.desk.join(EDGE1, line)
    await rig.desk.issue(CUT)

    assert line.orders == ["o1"]


async def test_whoever_waits_is_told_as_soon_as_all_have_confirmed(rig: Rig) -> None:
    rig.desk.join(EDGE1, Heard())
    await rig.desk.issue(CUT)
    waiting = asyncio.create_task(rig.desk.confirmed("o1", 30))
    rig.desk.progressed(EDGE1, "o1", DONE)

    issued = await waiting
    assert issued.deliveries[0].progress == DONE
    assert rig.notes.lines == ["o1 issued", "o1 finished at edge1"]


async def test_nobody_waits_for_an_edge_that_is_away_for_ever(rig: Rig) -> None:
    await rig.desk.issue(CUT)

    issued = await rig.desk.confirmed("o1", 0.01)

    assert not issued.is_confirmed


async def test_an_edge_that_was_away_is_given_it_when_it_is_back(rig: Rig) -> None:
    await rig.desk.issue(CUT)
    line = Heard()
    rig.desk.join(EDGE1, line)
    await line.came.wait()

    assert line.orders == ["o1"]


async def test_an_edge_that_comes_back_is_given_again_what_it_has_not_finished(rig: Rig) -> None:
    first, second = Heard(), Heard()
    rig.desk.join(EDGE1, first)
    await rig.desk.issue(CUT)
    rig.desk.leave(EDGE1, first)
    rig.desk.join(EDGE1, second)
    await second.came.wait()

    assert second.orders == ["o1"]


async def test_a_look_at_what_others_have_issued_gives_nothing_twice(rig: Rig) -> None:
    line = Heard()
    rig.desk.join(EDGE1, line)
    await rig.desk.issue(CUT)
    other = OrderDesk(rig.store, rig.notes)
    await other.issue(Order("o2", Cut(Target.IMPI, "a@home1.net")))
    line.came.clear()
    rig.desk.follow()
    await line.came.wait()

    assert line.orders == ["o1", "o2"]


async def test_who_judges_knows_what_others_have_cut_off_before_the_edge_does(rig: Rig) -> None:
    """And as long as he cannot, the edge is told nothing: what it asked about would come in."""
    line, tries = Heard(), []

    async def informed() -> None:
        tries.append([*line.orders])
        if len(tries) == 1:
            raise Unavailable("policy")

    rig.desk.informed = informed
    rig.desk.join(EDGE1, line)
    await rig.store.issue((CUT,), [EDGE1])
    rig.desk.follow()
    await line.came.wait()

    assert tries == [[], []]
    assert line.orders == ["o1"]
    assert len(rig.notes.lines) == 1


async def test_a_restart_settles_what_the_old_boot_had_to_do(rig: Rig) -> None:
    await rig.desk.issue(CUT)
    rig.desk.join(Boot("edge1", "b2"), Heard())

    assert (await rig.desk.confirmed("o1", 30)).deliveries[0].pointless


async def test_a_store_that_fails_is_tried_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.desk.issue(CUT)
    real, failures = rig.store.outstanding, [Unavailable("store")]

    async def outstanding(boot: Boot) -> tuple[Order, ...]:
        if failures:
            raise failures.pop()
        return await real(boot)

    monkeypatch.setattr(rig.store, "outstanding", outstanding)
    line = Heard()
    rig.desk.join(EDGE1, line)
    await line.came.wait()

    assert line.orders == ["o1"]
    assert "not available: store" in rig.notes.lines


async def test_what_was_never_issued_is_not_waited_for(rig: Rig) -> None:
    with pytest.raises(NotFound):
        await rig.desk.confirmed("o9", 30)
