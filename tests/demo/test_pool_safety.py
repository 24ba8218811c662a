"""Never two live users on one pair, whatever fails, and however many ask at once."""

from __future__ import annotations

import asyncio

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from demo.wwsf.pool.lease import Lease, Pair, PoolExhausted, Terms
from demo.wwsf.pool.shelf import Shelf
from epcscfd.store.engine import make_engine


NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PAIRS = [Pair(f"u{n}@pool.example", (f"sip:u{n}@pool.example",)) for n in range(3)]
FAR = NOW + timedelta(days=365)
TOKEN_LIFE = timedelta(seconds=120)


@dataclass
class Request:
    """A user's way to a token: reserved, issued, confirmed; it may end after each step."""

    holder: str
    lease: Lease
    expires_at: datetime | None = None


@dataclass
class Delivered:
    """Tokens that have left the house: who may register with which pair, until when."""

    of: dict[str, list[tuple[str, datetime]]] = field(default_factory=lambda: defaultdict(list))

    def holders(self, impi: str, now: datetime) -> set[str]:
        return {holder for holder, until in self.of[impi] if until > now}


class PoolUnderFailure(RuleBasedStateMachine):
    """Users, crashes and time, in any order."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.engine = make_engine(url)
        self.shelf = Shelf(self.engine, Terms())
        self.now = NOW
        self.requests: list[Request] = []
        self.out = Delivered()

    def do(self, work):
        return self.loop.run_until_complete(work)

    @initialize()
    def open(self) -> None:
        self.do(self.shelf.open())
        # what the example before has left
        self.do(self.shelf.stock([], FAR))
        self.do(self.shelf.stock(PAIRS, self.now))

    @rule(holder=st.sampled_from("abcde"))
    def reserve(self, holder: str) -> None:
        try:
            lease = self.do(self.shelf.reserve(holder, self.now))
        except PoolExhausted:
            return
        self.requests.append(Request(holder, lease))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def issue(self, data) -> None:
        request = data.draw(st.sampled_from(self.requests))
        request.expires_at = self.now + TOKEN_LIFE

    @precondition(lambda self: any(one.expires_at for one in self.requests))
    @rule(data=st.data())
    def confirm_and_deliver(self, data) -> None:
        issued = [one for one in self.requests if one.expires_at]
        request = data.draw(st.sampled_from(issued))
        self.requests.remove(request)
        if self.do(self.shelf.confirm(request.lease, request.expires_at, self.now)):
            self.out.of[request.lease.pair.impi].append((request.holder, request.expires_at))

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def crash(self, data) -> None:
        self.requests.remove(data.draw(st.sampled_from(self.requests)))

    @rule(holder=st.sampled_from("abcde"), revoked=st.integers(0, 3))
    def give_back(self, holder: str, revoked: int) -> None:
        try:
            lease = self.do(self.shelf.reserve(holder, self.now))
        except PoolExhausted:
            return
        tokens = self.out.of[lease.pair.impi]
        mine = [one for one in tokens if one[0] == holder and one[1] > self.now]
        dead = mine[:revoked]
        for one in dead:
            tokens.remove(one)
        if len(dead) == len(mine):
            self.do(self.shelf.released(lease.pair.impi, self.now, self.now))
        else:
            self.do(self.shelf.give_back(lease, len(dead), self.now))

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def one_live_user_per_pair(self) -> None:
        for pair in PAIRS:
            assert len(self.out.holders(pair.impi, self.now)) <= 1, pair.impi

    def teardown(self) -> None:
        self.do(self.engine.dispose())
        self.loop.close()


@pytest.mark.req("S003-2")
def test_no_order_of_steps_gives_one_pair_to_two_users(pool_url: str) -> None:
    steps = settings(max_examples=40, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(lambda: PoolUnderFailure(pool_url), settings=steps)


async def test_no_two_of_many_get_the_same_pair(pool_url: str) -> None:
    engines = [make_engine(pool_url) for _ in range(4)]
    shelves = [Shelf(engine, Terms()) for engine in engines]
    stock = [Pair(f"u{n}@pool.example", (f"sip:u{n}@pool.example",)) for n in range(20)]
    await shelves[0].open()
    await shelves[0].stock(stock, NOW)

    async def ask(number: int) -> str | None:
        try:
            lease = await shelves[number % 4].reserve(f"user{number}", NOW)
        except PoolExhausted:
            return None
        return lease.pair.impi

    got = [impi for impi in await asyncio.gather(*map(ask, range(30))) if impi]

    assert sorted(got) == sorted(pair.impi for pair in stock)
    for engine in engines:
        await engine.dispose()


async def test_one_user_in_many_tabs_gets_one_pair(pool_url: str) -> None:
    engine = make_engine(pool_url)
    shelf = Shelf(engine, Terms())
    await shelf.open()
    await shelf.stock(PAIRS, NOW)

    leases = await asyncio.gather(*(shelf.reserve("anna", NOW) for _ in range(8)))

    assert len({lease.id for lease in leases}) == 1
    await engine.dispose()
