"""People call each other with the page of the demonstration."""

from __future__ import annotations

import pytest

from playwright.sync_api import expect

from tests.browser.phone_page import registered


CALLER_HZ, CALLEE_HZ = 440, 1000
PATIENCE_MS = 25_000


@pytest.fixture
def person(wic, session, make_user):
    """Sit somebody down before the page; return it, and the name to be called by."""

    def sit_down(hz=CALLEE_HZ):
        user = make_user()
        return registered(wic(session(user), hz=hz)), user.impu.partition(":")[2].partition("@")[0]

    return sit_down


def call(caller, name):
    caller.page.get_by_label("Whom do you want to call?").fill(name)
    caller.page.get_by_role("button", name="Call", exact=True).click()


def press(wic, button):
    wic.page.get_by_role("button", name=button).click(timeout=PATIENCE_MS)


def outcome(wic, text):
    expect(wic.page.locator("#outcome")).to_have_text(text, timeout=PATIENCE_MS)


@pytest.fixture
def talking(person):
    """Two people in a call, who hear each other."""
    (caller, _), (callee, name) = person(CALLER_HZ), person(CALLEE_HZ)
    call(caller, name)
    expect(callee.page.get_by_role("alertdialog")).to_contain_text("Alice Example is calling.")
    press(callee, "Answer")
    caller.wait_to_hear(CALLEE_HZ)
    callee.wait_to_hear(CALLER_HZ)
    return caller, callee, name


@pytest.mark.req("S001-36")
def test_two_people_talk(talking):
    caller, callee, _ = talking

    press(caller, "Mute")
    callee.wait_for_silence()
    press(caller, "Mute")
    callee.wait_to_hear(CALLER_HZ)
    press(callee, "Hold")
    caller.wait_for_silence()
    press(callee, "Hold")
    caller.wait_to_hear(CALLEE_HZ)
    press(callee, "Hang up")

    for wic in (caller, callee):
        outcome(wic, "The call has ended.")
        expect(wic.page.get_by_role("button", name="Hang up")).to_be_hidden()


def test_who_is_in_a_call_is_busy_for_others(talking, person):
    _, callee, name = talking
    third, _ = person()

    call(third, name)

    outcome(third, "Busy.")
    expect(callee.page.get_by_role("button", name="Hang up")).to_be_visible()


def test_a_call_can_be_declined(person):
    (caller, _), (callee, name) = person(), person()

    call(caller, name)
    press(callee, "Decline")

    outcome(caller, "Declined.")


def test_a_call_can_be_given_up(person):
    (caller, _), (callee, name) = person(), person()
    call(caller, name)
    expect(callee.page.get_by_role("alertdialog")).to_be_visible(timeout=PATIENCE_MS)

    press(caller, "Hang up")

    outcome(caller, "Cancelled.")
    outcome(callee, "Cancelled.")


def test_who_is_not_there_cannot_be_reached(person):
    caller, _ = person()

    call(caller, "nobody-at-all")

    outcome(caller, "Your correspondent cannot be reached now.")


def test_what_is_no_name_is_not_called(person):
    caller, _ = person()

    call(caller, "bob@")

    outcome(caller, "That is neither a name nor a number.")
    assert caller.sent("INVITE") == []
