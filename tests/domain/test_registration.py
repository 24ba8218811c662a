"""The copy of what stands: what each word of an edge makes of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.registration import (
    Boot,
    Cause,
    Entry,
    Gone,
    Joined,
    RollEnded,
    Stands,
    State,
    advance,
    key_of,
    runs_of,
    steps_of,
)
from tests.builders import NOW, from_now
from tests.fakes.registrations import EDGE1, a_registration


ALICE = a_registration()


def standing(**changes: object) -> Entry:
    return replace(Entry(ALICE, State.STANDS, NOW, NOW, roll=1), **changes)  # type: ignore[arg-type]


def test_what_is_told_first_begins() -> None:
    after = advance(None, Stands(ALICE, 1), NOW)

    assert after == standing()


def test_what_is_told_again_keeps_its_beginning() -> None:
    renewed = a_registration(expires_at=from_now(900))

    after = advance(standing(), Stands(renewed, 2), from_now(60))

    assert after == standing(registration=renewed, roll=2)


def test_an_end_is_dated_and_has_its_cause() -> None:
    after = advance(standing(), Gone(ALICE.key, Cause.NETWORK), from_now(60))

    assert after == standing(state=State.ENDED, changed_at=from_now(60), cause=Cause.NETWORK)


def test_what_has_ended_stays_ended_for_the_reason_told_first() -> None:
    over = standing(state=State.ENDED, cause=Cause.CLIENT)

    assert advance(over, Gone(ALICE.key, Cause.EXPIRED), from_now(60)) == over
    assert advance(None, Gone(ALICE.key, Cause.EXPIRED), NOW) is None


def test_what_stands_again_begins_anew() -> None:
    over = standing(state=State.ENDED, cause=Cause.CLIENT)

    assert advance(over, Stands(ALICE, 1), from_now(9)) == standing(
        began_at=from_now(9), changed_at=from_now(9)
    )


def test_what_was_left_behind_is_not_brought_back_by_a_late_word() -> None:
    left = standing(state=State.LEFT)

    after = advance(left, Stands(ALICE, 1), NOW)

    assert after is not None
    assert after.state is State.LEFT


def test_steps_tell_beginnings_and_ends_in_their_order() -> None:
    gone = Gone(ALICE.key, Cause.CLIENT)

    steps = steps_of({}, [Stands(ALICE, 1), Stands(ALICE, 1), gone, gone, Stands(ALICE, 1)], NOW)

    assert [(step.began, step.ended) for step in steps] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
        (True, False),
    ]


def test_keys_keep_their_parts_apart() -> None:
    assert key_of("a", "bc", "d") != key_of("ab", "c", "d")
    assert key_of("a", "b", "cd") != key_of("a", "bc", "d")


def test_the_bound_is_the_later_of_what_was_told_and_the_end_of_the_token() -> None:
    assert ALICE.bound == from_now(600)
    assert a_registration(token_expires_at=None).bound == from_now(300)


words = st.lists(
    st.one_of(
        st.integers(0, 4).map(lambda n: Stands(a_registration(id=str(n)), 1)),
        st.integers(0, 4).map(lambda n: Gone(a_registration(id=str(n)).key, Cause.CLIENT)),
        st.just(Joined(EDGE1, 1)),
        st.just(RollEnded(Boot("edge2", "b1"), 1)),
    )
)


@given(words, st.integers(1, 4))
def test_runs_hold_everything_in_its_order(told: list[object], longest: int) -> None:
    runs = list(runs_of(told, longest))  # type: ignore[arg-type]

    flat = [each for run in runs for each in (run if isinstance(run, tuple) else (run,))]
    assert flat == told
    assert all(0 < len(run) <= longest for run in runs if isinstance(run, tuple))


@given(words)
def test_beginnings_and_ends_take_turns(told: list[object]) -> None:
    changes = [each for each in told if isinstance(each, Stands | Gone)]
    entries: dict[str, Entry] = {}

    steps = steps_of(entries, changes, NOW)

    for key in {change.key for change in changes}:
        turns = [
            "began" if step.began else "ended"
            for step, change in zip(steps, changes, strict=True)
            if change.key == key and (step.began or step.ended)
        ]
        assert turns[::2] == ["began"] * len(turns[::2])
        assert turns[1::2] == ["ended"] * len(turns[1::2])
        alive = key in entries and not entries[key].is_over
        assert alive == (len(turns) % 2 == 1)
