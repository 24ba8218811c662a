"""The policy in force is one good snapshot, and whoever subscribes hears of each."""

from __future__ import annotations

import asyncio

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.errors import Unavailable
from epcscfd.store import board as board_module
from epcscfd.store.board import PolicyBoard
from tests.adapters.conftest import Told
from tests.builders import a_domain, a_policy, a_subscription, a_wwsf
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from epcscfd.domain.policy import Policy
    from tests.adapters.conftest import Kept


class Source:
    """Keeps policies, one after another, and may fail."""

    def __init__(self, *kept: Policy | Exception) -> None:
        self._kept = list(kept)
        self.loads = 0
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def revision(self) -> int:
        return self._first().revision

    async def load(self) -> Policy:
        kept = self._first()
        self.asked.set()
        await self.open.wait()
        self.loads += 1
        return kept

    def _first(self) -> Policy:
        first = self._kept[0]
        if isinstance(first, Exception):
            raise first
        return first

    def go_on(self) -> None:
        self.asked.clear()
        del self._kept[0]


def a_board(
    source: Source, told: Told | None = None, clock: FrozenClock | None = None
) -> PolicyBoard:
    return PolicyBoard(source, told or Told(), clock or FrozenClock(), timedelta(seconds=60))


def test_without_a_load_there_is_no_policy() -> None:
    board = a_board(Source())

    assert not board.is_fresh
    with pytest.raises(Unavailable):
        board.current()


async def test_a_load_that_fails_leaves_the_policy_as_it_is() -> None:
    told, first = Told(), a_policy(revision=1)
    source = Source(first, OSError("disk gone"))
    board = a_board(source, told)

    assert await board.refresh()
    source.go_on()
    assert not await board.refresh()
    assert board.current() is first
    assert [str(failure) for failure in told.failures] == ["disk gone"]


async def test_the_same_revision_is_neither_loaded_nor_published_twice() -> None:
    told, source = Told(), Source(a_policy(revision=1))
    board = a_board(source, told)

    await board.refresh()
    await board.refresh()

    assert len(told.policies) == 1
    assert source.loads == 1


async def test_a_policy_that_nobody_confirms_dies() -> None:
    clock, source = FrozenClock(), Source(a_policy(revision=1), OSError("disk gone"))
    board = a_board(source, clock=clock)
    await board.refresh()
    source.go_on()

    clock.advance(60)
    await board.refresh()
    assert board.current().revision == 1
    clock.advance(0.5)
    await board.refresh()
    assert not board.is_fresh
    with pytest.raises(Unavailable):
        board.current()


async def test_a_confirmed_policy_lives_on() -> None:
    clock, source = FrozenClock(), Source(a_policy(revision=1))
    board = a_board(source, clock=clock)
    await board.refresh()

    clock.advance(59)
    await board.refresh()
    clock.advance(59)

    assert board.current().revision == 1
    assert board.age() == 59.0


async def test_subscribers_are_told_in_the_step_in_which_the_policy_changes() -> None:
    source = Source(a_policy(revision=1), a_policy(revision=2))
    board = a_board(source)
    await board.refresh()
    source.go_on()
    seen: list[tuple[int, int]] = []

    def subscriber(policy: Policy) -> None:
        seen.append((policy.revision, board.current().revision))

    with board.subscribed(subscriber):
        await board.refresh()

    assert seen == [(2, 2)]


async def test_after_the_block_a_subscriber_hears_no_more() -> None:
    board = a_board(Source(a_policy(revision=1)))
    seen: list[Policy] = []

    with board.subscribed(seen.append):
        pass
    await board.refresh()

    assert seen == []


async def test_an_edit_is_in_force_when_it_is_confirmed(kept: Kept) -> None:
    await kept.store.create(a_domain())

    assert kept.board.current().domains == {"home1.net": a_domain()}
    assert [policy.revision for policy in kept.told.policies] == [1, 2]


@pytest.mark.parametrize(
    "large",
    [
        {"subscriptions": [a_subscription(impi=f"user{n}@home1.net") for n in range(3)]},
        {"wwsfs": [a_wwsf(pool={"impi": [f"user{n}@home1.net" for n in range(3)]})]},
    ],
    ids=["subscriptions", "pool"],
)
async def test_edits_of_a_large_policy_share_a_load(
    monkeypatch: pytest.MonkeyPatch, large: dict[str, Any]
) -> None:
    monkeypatch.setattr(board_module, "PAUSE", 0)
    monkeypatch.setattr(board_module, "LARGE", 2)
    source = Source(a_policy(revision=1, **large), a_policy(revision=2, **large))
    board = a_board(source)
    await board.refresh()
    source.go_on()

    for _ in range(100):
        await board.edited()
    assert board.current().revision == 1
    await board.settle()

    assert board.current().revision == 2
    assert source.loads == 2


async def test_an_edit_after_a_load_has_begun_gets_another() -> None:
    source = Source(a_policy(revision=1), a_policy(revision=2), a_policy(revision=3))
    board = a_board(source)
    await board.refresh()
    source.go_on()
    source.open.clear()

    first = asyncio.create_task(board.edited())
    await source.asked.wait()
    source.go_on()
    second = asyncio.create_task(board.edited())
    source.open.set()
    await first
    await second

    assert board.current().revision == 3


async def test_edits_at_once_are_all_made_and_end_in_the_last_snapshot(kept: Kept) -> None:
    names = [f"home{number}.net" for number in range(8)]

    await asyncio.gather(*(kept.store.create(a_domain(name)) for name in names))

    assert kept.board.current().domains.keys() == set(names)
    assert kept.board.current() == await kept.store.load()
