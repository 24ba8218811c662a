"""The desk of blocks: what an edge tells holds everywhere at once, and is not forgotten."""

from __future__ import annotations

import asyncio

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.app.blocks import BlockDesk
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Cause
from epcscfd.errors import Unavailable
from epcscfd.store.block_store import SqlBlocks
from epcscfd.store.event_store import SqlEvents
from tests.builders import a_policy, a_wwsf_with_block, block_news
from tests.fakes.clock import FrozenClock
from tests.fakes.memory import MemoryPolicySource


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from epcscfd.domain.block import Blocks, BlockState
    from epcscfd.domain.orders import Order
    from tests.adapters.conftest import Kept

SHOP = WwsfId("shop")
WWSF = a_wwsf_with_block()


@dataclass
class Told:
    """Who is told, and asked to cut."""

    registered: list[str] = field(default_factory=list)
    ended: list[tuple[str, Cause]] = field(default_factory=list)
    narrowed: list[tuple[str, ...]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)

    def block_registered(self, wwsf: WwsfId, state: BlockState) -> None:
        self.registered.append(f"{wwsf} {state.told_at}")

    def block_ended(self, wwsf: WwsfId, cause: Cause) -> None:
        self.ended.append((wwsf, cause))

    def block_narrowed(self, wwsf: WwsfId, missing: Sequence[str]) -> None:
        self.narrowed.append((wwsf, *missing))

    def blocks_failed(self, error: Exception) -> None:
        self.failures.append(error)

    async def issue(self, *wanted: Order) -> None:
        self.orders += [each.id for each in wanted]


class Rig:
    def __init__(self, kept: Kept) -> None:
        self.engine, self.store = kept.engine, SqlBlocks(kept.engine)
        self.told, self.clock = Told(), FrozenClock()
        self.policies = MemoryPolicySource(a_policy(wwsfs=[WWSF]))
        self.desk = self.another()

    def another(self, store: Any = None) -> BlockDesk:
        """A sidecar on the same database."""
        return BlockDesk(store or self.store, self.told, self.policies, self.clock, self.told)

    def stands(self, desk: BlockDesk | None = None) -> bool:
        blocks = (desk or self.desk).current()
        return blocks.registration_of(WWSF, self.clock.now()) is not None

    @asynccontextmanager
    async def at_work(self, desk: BlockDesk | None = None) -> AsyncIterator[None]:
        """Write down all that is heard within the block."""
        task = asyncio.create_task((desk or self.desk).run())
        yield
        await (desk or self.desk).settled()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def rig(kept: Kept) -> Rig:
    return Rig(kept)


@pytest.mark.req("S002-21", "S002-25")
async def test_what_an_edge_tells_is_in_force_for_all_edges_once_it_is_kept(rig: Rig) -> None:
    views: list[Blocks] = []
    with rig.desk.subscribed(views.append):
        rig.desk.hear(block_news())
        assert not rig.stands()
        async with rig.at_work():
            pass

    assert rig.stands()
    assert views == [rig.desk.current()]
    assert rig.told.registered == ["shop 1"]


@pytest.mark.req("S002-31")
async def test_a_registration_survives_the_sidecar(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news(confirmed=["sip:wic!.*!@home1.net"]))
    next_one = rig.another()
    await next_one.refresh()

    assert rig.stands(next_one)
    assert next_one.current() == rig.desk.current()


@pytest.mark.req("S002-31")
async def test_what_ended_stays_so_whatever_an_edge_remembers(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news())
        await rig.desk.settled()
        rig.desk.hear(block_news(told_at=2, until=None, cause="client"))
        assert not rig.stands()
    next_one = rig.another()
    await next_one.refresh()
    next_one.hear(block_news())

    assert not rig.stands(next_one)


@pytest.mark.req("S002-28", "S002-30")
async def test_the_end_cuts_members_off_and_is_an_event_of_the_web_server(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news())
        await rig.desk.settled()
        rig.desk.hear(block_news(told_at=2, until=None, cause="network"))
    (event,) = await SqlEvents(rig.engine).after(0, SHOP, 10)

    assert rig.told.ended == [("shop", Cause.NETWORK)]
    assert rig.told.orders == ["block-shop-waf-ended-2"]
    released = event.release
    assert (released.impi, released.impu) == ("shop@home1.net", "sip:pilot@home1.net")
    assert released.cause is Cause.NETWORK


async def test_an_end_of_what_did_not_stand_is_no_news(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news(until=None, cause="client"))

    assert (rig.told.ended, rig.told.orders) == ([], [])
    assert await SqlEvents(rig.engine).after(0, SHOP, 10) == ()


@pytest.mark.req("S002-29")
async def test_a_registration_that_nobody_renews_ends_by_the_clock(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news())
        await rig.desk.settled()
        rig.clock.advance(599)
        rig.desk.sweep()
        assert rig.told.ended == []
        rig.clock.advance(1)
        rig.desk.sweep()

    assert rig.told.ended == [("shop", Cause.EXPIRED)]
    assert len(rig.told.orders) == 1


@pytest.mark.req("S002-31", "S002-29")
async def test_what_ran_out_while_nobody_was_there_is_found_to_have_ended(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news())
    rig.clock.advance(601)
    next_one = rig.another()
    async with rig.at_work(next_one):
        await next_one.refresh()

    assert rig.told.ended == [("shop", Cause.EXPIRED)]
    assert len(rig.told.orders) == 1


@pytest.mark.req("S002-28")
async def test_an_end_that_overtakes_the_beginning_is_the_end(rig: Rig) -> None:
    rig.desk.hear(block_news())
    rig.desk.hear(block_news(told_at=2, until=None, cause="client"))
    async with rig.at_work():
        pass

    assert not rig.stands()
    assert rig.told.registered == []


async def test_sidecars_on_one_database_learn_from_each_other(rig: Rig) -> None:
    other = rig.another()
    views: list[Blocks] = []
    async with rig.at_work():
        rig.desk.hear(block_news())
    with other.subscribed(views.append):
        await other.refresh()
        await other.refresh()

    assert rig.stands(other)
    assert len(views) == 1


@pytest.mark.req("S002-25")
async def test_a_core_that_confirms_less_than_is_provisioned_is_an_alarm(rig: Rig) -> None:
    async with rig.at_work():
        rig.desk.hear(block_news(confirmed=["sip:other!.*!@home1.net"]))

    assert rig.told.narrowed == [("shop", "sip:wic!.*!@home1.net")]


@pytest.mark.req("S002-17")
@pytest.mark.parametrize("news", [block_news(wwsf="nobody"), block_news(account="static:a:b")])
def test_news_of_what_is_not_in_the_policy_is_passed_over(rig: Rig, news: Any) -> None:
    rig.desk.hear(news)

    assert rig.desk.current().each == {}


async def test_a_store_that_fails_is_tried_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(SqlBlocks):
        tries = 0

        async def write(self, *what: Any) -> None:
            self.tries += 1
            if self.tries == 1:
                raise Unavailable("store")
            await super().write(*what)

    monkeypatch.setattr("epcscfd.app.blocks.PAUSE", 0)
    desk = rig.another(Failing(rig.engine))
    async with rig.at_work(desk):
        desk.hear(block_news())

    assert [str(each) for each in rig.told.failures] == [str(Unavailable("store"))]
    assert (await rig.store.load()).each.keys() == {SHOP}


@pytest.mark.req("S002-17")
async def test_a_block_that_is_deleted_and_made_again_has_to_be_registered_again(
    rig: Rig,
) -> None:
    with_block = rig.policies.policy
    async with rig.at_work():
        rig.desk.hear(block_news())
        await rig.desk.settled()
        rig.policies.policy = a_policy()
        rig.desk.sweep()
    rig.policies.policy = with_block
    next_one = rig.another()
    await next_one.refresh()

    assert not rig.stands()
    assert not rig.stands(next_one)
    # what was deleted has orders of its own
    assert (rig.told.orders, rig.told.ended) == ([], [])
