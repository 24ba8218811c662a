"""Leases of pool identities, one step at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from demo.wwsf.pool.lease import Pair, PoolExhausted, Terms
from demo.wwsf.pool.shelf import Shelf
from epcscfd.store.engine import make_engine


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TERMS = Terms(
    reservation=timedelta(seconds=60),
    after_token=timedelta(seconds=10),
    quarantine=timedelta(seconds=30),
)
ONE = Pair("one@pool.example", ("sip:one@pool.example", "sip:uno@pool.example"))
TWO = Pair("two@pool.example", ("sip:two@pool.example",))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/pool.db")
    shelf = Shelf(engine, TERMS)
    await shelf.open()
    await shelf.stock([ONE], NOW)
    yield shelf
    await engine.dispose()


async def test_a_free_pair_is_reserved_whole(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)

    assert (lease.pair, lease.holder, lease.held_until) == (ONE, "anna", at(60))


async def test_who_asks_again_gets_the_same_lease(shelf: Shelf) -> None:
    first = await shelf.reserve("anna", NOW)

    assert await shelf.reserve("anna", at(10)) == first


@pytest.mark.req("S003-1")
async def test_an_empty_pool_says_for_how_long(shelf: Shelf) -> None:
    await shelf.reserve("anna", NOW)

    with pytest.raises(PoolExhausted) as refusal:
        await shelf.reserve("ben", at(20))

    assert refusal.value.free_in == timedelta(seconds=40)


async def test_a_pool_without_pairs_has_nothing_to_wait_for(shelf: Shelf) -> None:
    await shelf.stock([], NOW)

    with pytest.raises(PoolExhausted) as refusal:
        await shelf.reserve("anna", NOW)

    assert refusal.value.free_in is None


async def test_a_reservation_without_token_ends_by_itself(shelf: Shelf) -> None:
    lost = await shelf.reserve("anna", NOW)

    taken = await shelf.reserve("ben", at(60))

    assert taken.pair == ONE
    assert not await shelf.confirm(lost, at(600), at(61)), "a token would let two users in"


@pytest.mark.req("S003-2")
async def test_a_pair_stays_until_its_token_is_dead_and_some_time_has_passed(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    assert await shelf.confirm(lease, at(300), at(1))

    for early in (100, 300, 309, 339):
        with pytest.raises(PoolExhausted):
            await shelf.reserve("ben", at(early))
    assert (await shelf.reserve("ben", at(340))).pair == ONE


async def test_a_second_token_never_shortens_a_lease(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    await shelf.confirm(lease, at(600), at(1))
    await shelf.confirm(lease, at(300), at(2))

    assert (await shelf.reserve("anna", at(500))).held_until == at(610)


async def test_revoked_tokens_free_a_pair_after_quarantine(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    await shelf.confirm(lease, at(3600), at(1))

    assert await shelf.give_back(lease, dead_tokens=1, now=at(20))
    with pytest.raises(PoolExhausted):
        await shelf.reserve("ben", at(49))
    assert (await shelf.reserve("ben", at(50))).pair == ONE


async def test_a_token_that_may_live_holds_the_pair(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    for second in (1, 2):
        await shelf.confirm(lease, at(3600), at(second))

    assert not await shelf.give_back(lease, dead_tokens=1, now=at(20))
    with pytest.raises(PoolExhausted):
        await shelf.reserve("ben", at(100))


@pytest.mark.req("S003-2")
async def test_the_released_event_ends_a_lease(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    await shelf.confirm(lease, at(3600), at(1))

    assert await shelf.released(ONE.impi, since=at(30), now=at(31))
    assert (await shelf.reserve("ben", at(61))).pair == ONE


async def test_an_event_that_comes_again_does_not_end_the_next_lease(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    await shelf.confirm(lease, at(3600), at(1))
    await shelf.released(ONE.impi, since=at(30), now=at(31))
    nexts = await shelf.reserve("ben", at(61))
    await shelf.confirm(nexts, at(3600), at(62))

    assert not await shelf.released(ONE.impi, since=at(30), now=at(70))
    assert (await shelf.reserve("ben", at(80))) == await shelf.reserve("ben", at(81))


async def test_an_event_older_than_the_last_token_says_nothing_about_it(shelf: Shelf) -> None:
    lease = await shelf.reserve("anna", NOW)
    await shelf.confirm(lease, at(3600), at(1))
    await shelf.confirm(lease, at(3600), at(40))

    assert not await shelf.released(ONE.impi, since=at(30), now=at(41))


async def test_who_was_away_longest_is_lent_first(shelf: Shelf) -> None:
    await shelf.stock([ONE, TWO], NOW)
    first = await shelf.reserve("anna", NOW)
    await shelf.give_back(first, dead_tokens=0, now=at(1))
    second = await shelf.reserve("ben", at(2))
    await shelf.give_back(second, dead_tokens=0, now=at(3))

    assert (await shelf.reserve("cora", at(100))).pair == first.pair


async def test_a_lent_pair_leaves_the_pool_when_it_is_free(shelf: Shelf) -> None:
    await shelf.reserve("anna", NOW)

    await shelf.stock([TWO], at(1))
    assert (await shelf.reserve("anna", at(2))).pair == ONE
    await shelf.stock([TWO], at(100))
    assert await shelf.free(at(101)) == 1
