"""The policy in force is one good snapshot, and whoever subscribes hears of each."""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING

import pytest

from epcscfd.errors import Unavailable
from epcscfd.store.board import PolicyBoard
from tests.builders import a_domain, a_policy


if TYPE_CHECKING:
    from epcscfd.domain.policy import Policy
    from tests.adapters.store.conftest import Kept

from tests.adapters.store.conftest import Told


class Source:
    """Gives what it is told to give."""

    def __init__(self, *answers: Policy | Exception) -> None:
        self._answers = list(answers)

    async def load(self) -> Policy:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_without_a_load_there_is_no_policy() -> None:
    board = PolicyBoard(Source().load, Told())

    with pytest.raises(Unavailable):
        board.current()


async def test_a_load_that_fails_leaves_the_policy_as_it_is() -> None:
    told, first = Told(), a_policy(revision=1)
    board = PolicyBoard(Source(first, OSError("disk gone")).load, told)

    assert await board.refresh()
    assert not await board.refresh()
    assert board.current() is first
    assert [str(failure) for failure in told.failures] == ["disk gone"]


async def test_the_same_revision_is_not_published_twice() -> None:
    told = Told()
    board = PolicyBoard(Source(a_policy(revision=1), a_policy(revision=1)).load, told)

    await board.refresh()
    await board.refresh()

    assert len(told.policies) == 1


async def test_subscribers_are_told_in_the_step_in_which_the_policy_changes() -> None:
    board = PolicyBoard(Source(a_policy(revision=1), a_policy(revision=2)).load, Told())
    await board.refresh()
    seen: list[tuple[int, int]] = []

    def subscriber(policy: Policy) -> None:
        seen.append((policy.revision, board.current().revision))

    with board.subscribed(subscriber):
        await board.refresh()

    assert seen == [(2, 2)]


async def test_after_the_block_a_subscriber_hears_no_more() -> None:
    board = PolicyBoard(Source(a_policy(revision=1)).load, Told())
    seen: list[Policy] = []

    with board.subscribed(seen.append):
        pass
    await board.refresh()

    assert seen == []


async def test_an_edit_is_in_force_when_it_is_confirmed(kept: Kept) -> None:
    await kept.store.create(a_domain())

    assert kept.board.current().domains == {"home1.net": a_domain()}
    assert [policy.revision for policy in kept.told.policies] == [1, 2]


async def test_edits_at_once_are_all_made_and_end_in_the_last_snapshot(kept: Kept) -> None:
    names = [f"home{number}.net" for number in range(8)]

    await asyncio.gather(*(kept.store.create(a_domain(name)) for name in names))

    assert kept.board.current().domains.keys() == set(names)
    assert kept.board.current() == await kept.store.load()
