"""The copy in a real database: it follows what edges tell, and forgets nothing that stands."""

from __future__ import annotations

import asyncio
import shutil
import tempfile

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epcscfd.app.registrations import Wanted
from epcscfd.domain.registration import Boot, Cause, Gone, Joined, RollEnded, Stands, State
from epcscfd.errors import InvalidArgument, NotFound
from epcscfd.store.engine import make_engine
from epcscfd.store.registration_store import SqlRegistrations
from tests.builders import NOW
from tests.fakes.clock import FrozenClock
from tests.fakes.registrations import EDGE1, a_registration


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from epcscfd.domain.registration import Registration, Told
    from tests.adapters.conftest import Kept

ALICE, BOB = a_registration(id="alice"), a_registration(id="bob", impi="bob@home1.net")
LATER = Boot("edge1", "b2")


@pytest.fixture
def store(kept: Kept) -> SqlRegistrations:
    return SqlRegistrations(kept.engine, FrozenClock())


def standing(*registrations: Registration, roll: int = 1) -> list[Told]:
    return [Stands(each, roll) for each in registrations]


async def states(store: SqlRegistrations) -> dict[str, tuple[State, Cause | None]]:
    page = await store.list(Wanted(ended=True), 1000, "")
    return {each.registration.id: (each.state, each.cause) for each in page.entries}


async def test_what_stands_is_kept_as_it_was_told(store: SqlRegistrations) -> None:
    await store.write([Joined(EDGE1, 1), *standing(ALICE)])

    entry = await store.get(ALICE.key)

    assert entry.registration == ALICE
    assert (entry.state, entry.began_at, entry.cause) == (State.STANDS, NOW, None)


async def test_beginnings_and_ends_are_told_once(store: SqlRegistrations) -> None:
    gone = Gone(ALICE.key, Cause.CLIENT)

    first = await store.write([Joined(EDGE1, 1), *standing(ALICE, ALICE), gone])
    second = await store.write([gone])

    assert [(step.began, step.ended) for step in first.steps] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert [step.ended for step in second.steps] == [False]
    assert await states(store) == {"alice": (State.ENDED, Cause.CLIENT)}


async def test_what_a_roll_of_the_same_boot_lacks_has_ended(store: SqlRegistrations) -> None:
    await store.write([Joined(EDGE1, 1), *standing(ALICE, BOB)])

    await store.write([Joined(EDGE1, 2), *standing(BOB, roll=2), RollEnded(EDGE1, 2)])

    assert await states(store) == {
        "alice": (State.ENDED, Cause.UNTOLD),
        "bob": (State.STANDS, None),
    }


async def test_a_roll_says_nothing_about_other_edges(store: SqlRegistrations) -> None:
    elsewhere = a_registration(boot=Boot("edge2", "b1"), id="carol")
    await store.write([Joined(elsewhere.boot, 1), *standing(elsewhere)])

    await store.write([Joined(EDGE1, 2), RollEnded(EDGE1, 2)])

    assert await states(store) == {"carol": (State.STANDS, None)}


async def test_what_an_earlier_boot_had_is_left_behind(store: SqlRegistrations) -> None:
    await store.write([Joined(EDGE1, 1), *standing(ALICE, BOB), Gone(BOB.key, Cause.CLIENT)])

    await store.write([Joined(LATER, 2), RollEnded(LATER, 2)])

    assert await states(store) == {
        "alice": (State.LEFT, None),
        "bob": (State.ENDED, Cause.CLIENT),
    }


async def test_lists_are_given_in_pages(store: SqlRegistrations) -> None:
    crowd = [a_registration(id=str(number)) for number in range(7)]
    await store.write([Joined(EDGE1, 1), *standing(*crowd)])

    found, token = [], ""
    while True:
        page = await store.list(Wanted(), 3, token)
        found += [each.registration for each in page.entries]
        token = page.next_token
        if not token:
            break

    assert found == sorted(crowd, key=lambda each: each.key)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(impi="bob@home1.net"),
        Wanted(impu="sip:bob@home1.net"),
        Wanted(wwsf="hotel"),
        Wanted(node="edge2"),
    ],
)
async def test_lists_are_narrowed(store: SqlRegistrations, wanted: Wanted) -> None:
    other = a_registration(
        boot=Boot("edge2", "b1"), impi="bob@home1.net", impu="sip:bob@home1.net", wwsf="hotel"
    )
    await store.write([*standing(ALICE, other)])

    page = await store.list(wanted, 10, "")

    assert [each.registration for each in page.entries] == [other]


async def test_what_nobody_told_is_not_found(store: SqlRegistrations) -> None:
    with pytest.raises(NotFound):
        await store.get(ALICE.key)
    with pytest.raises(InvalidArgument):
        await store.list(Wanted(), 10, "no token")


tellings = st.lists(
    st.one_of(
        st.tuples(st.just("stands"), st.integers(0, 5)),
        st.tuples(st.just("gone"), st.integers(0, 5)),
        st.tuples(st.just("roll"), st.frozensets(st.integers(0, 5))),
    ),
    max_size=12,
)


@given(tellings)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_a_roll_stands_what_the_edge_says_stands(
    migrated: Path, tellings: Iterable[tuple[str, object]]
) -> None:
    """Whatever was lost before: a roll, and the copy is the edge's truth."""

    async def tell() -> None:
        async with a_store(migrated) as store:
            truth: set[str] = set()
            for roll, (word, what) in enumerate(tellings, start=1):
                truth = after(truth, word, what)
                await store.write(list(told(roll, word, what)))
                alive = {
                    id_
                    for id_, (state, _) in (await states(store)).items()
                    if state is State.STANDS
                }
                assert alive == truth

    asyncio.run(tell())


def after(truth: set[str], word: str, what: object) -> set[str]:
    match word, what:
        case "stands", int(number):
            return truth | {str(number)}
        case "gone", int(number):
            return truth - {str(number)}
        case _, frozenset(numbers):
            return set(map(str, numbers))
    raise AssertionError(word)


def told(roll: int, word: str, what: object) -> Iterable[Told]:
    match word, what:
        case "stands", int(number):
            yield Stands(a_registration(id=str(number)), roll)
        case "gone", int(number):
            yield Gone(a_registration(id=str(number)).key, Cause.EXPIRED)
        case _, frozenset(numbers):
            yield Joined(EDGE1, roll)
            yield from (Stands(a_registration(id=str(number)), roll) for number in numbers)
            yield RollEnded(EDGE1, roll)


@asynccontextmanager
async def a_store(migrated: Path) -> AsyncIterator[SqlRegistrations]:
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(migrated, directory)
        engine = make_engine(f"sqlite+aiosqlite:///{directory}/{migrated.name}")
        yield SqlRegistrations(engine, FrozenClock())
        await engine.dispose()
