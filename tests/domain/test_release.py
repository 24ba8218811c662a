"""When an identity is released, and whether it may come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.registration import Cause, Entry, State
from epcscfd.domain.release import releases
from tests.builders import NOW, from_now
from tests.fakes.registrations import a_registration


def entry(state: State = State.ENDED, **changes: object) -> Entry:
    cause = Cause.CLIENT if state is State.ENDED else None
    return Entry(a_registration(**changes), state, NOW, NOW, 1, cause)


def never(_: Entry) -> bool:
    return False


def test_the_last_end_releases() -> None:
    over = entry()

    (release,) = releases([over], [over], never, NOW)

    assert (release.wwsf, release.impi, release.impu) == (
        "shop",
        "alice@home1.net",
        "sip:alice@home1.net",
    )
    assert (release.cause, release.time) == (Cause.CLIENT, NOW)
    assert release.may_return_until == from_now(600)


@pytest.mark.parametrize("state", [State.STANDS, State.LEFT])
def test_another_device_or_a_dead_edge_keeps_it(state: State) -> None:
    over, other = entry(), entry(state, id="2", connection="2")

    assert releases([over], [over, other], never, NOW) == ()


def test_another_identity_of_the_same_user_does_not_keep_it() -> None:
    over, other = entry(), entry(State.STANDS, id="2", impu="sip:work@home1.net")

    assert len(releases([over], [over, other], never, NOW)) == 1


@pytest.mark.parametrize("token_expires_at", [None, from_now(0), from_now(-1)])
def test_without_a_live_token_it_cannot_come_back(token_expires_at: object) -> None:
    over = entry(token_expires_at=token_expires_at)

    assert releases([over], [over], never, NOW)[0].may_return_until is None


def test_a_revoked_token_cannot_bring_it_back() -> None:
    over = entry()

    assert releases([over], [over], lambda _: True, NOW)[0].may_return_until is None


def test_the_token_of_an_earlier_device_may_bring_it_back() -> None:
    over = entry()
    earlier = entry(id="2", token_expires_at=from_now(3600))

    assert releases([over], [over, earlier], never, NOW)[0].may_return_until == from_now(3600)


def test_users_of_the_core_lend_from_nobody() -> None:
    over = entry(scope="")

    assert releases([over], [over], never, NOW) == ()


def test_two_ends_at_once_release_once() -> None:
    both = [entry(), entry(id="2")]

    assert len(releases(both, both, never, NOW)) == 1


@given(st.lists(st.tuples(st.sampled_from(State), st.integers(-5, 5), st.booleans()), min_size=1))
def test_nothing_can_be_lent_that_stands_or_may_return(
    rows: list[tuple[State, int, bool]],
) -> None:
    """Whatever has happened: when a pool lends by the event, nobody else can be registered."""
    entries = [
        entry(state, id=str(number), token_expires_at=from_now(seconds))
        for number, (state, seconds, _) in enumerate(rows)
    ]
    revoked = {each.registration.id for each, row in zip(entries, rows, strict=True) if row[2]}
    ended = [each for each in entries if each.is_over]

    found = releases(ended, entries, lambda each: each.registration.id in revoked, NOW)

    if any(not each.is_over for each in entries):
        assert found == ()
        return
    (release,) = found
    free_at = release.may_return_until or NOW
    alive = [each for each in entries if each.registration.id not in revoked]
    assert all((each.registration.token_expires_at or NOW) <= free_at for each in alive)


def test_a_release_names_the_cause_of_the_last_end() -> None:
    first = entry(id="1")
    last = replace(entry(id="2"), cause=Cause.TOKEN_EXPIRED)

    assert releases([first, last], [first, last], never, NOW)[0].cause is Cause.TOKEN_EXPIRED
