"""A site that lends members of its static range: registered at the eP-CSCF, known to nobody else.

The core has the range by configuration. Whoever calls a member is led to the eP-CSCF, and that
knows who has it at the moment.
"""

from __future__ import annotations

import re

import pytest

from playwright.sync_api import expect

from tests.web.ways import ROOMS, SOON, call, guest, hang_up, leave, own, ready


pytestmark = pytest.mark.browser


def room_of(page):
    """The number that a guest is shown as his."""
    return ready(page).locator("#impu").inner_text()


def name_of(impu):
    return impu.removeprefix("sip:").partition("@")[0]


@pytest.mark.req("S001-26", "S001-25", "S001-27", "S002-36")
def test_two_guests_have_a_room_each_and_call_each_other(person, side):
    first, second = person("inn"), person("inn")
    for page in (first, second):
        guest(page, "")

    rooms = {room_of(page) for page in (first, second)}

    assert len(rooms) == 2
    assert rooms <= ROOMS
    assert rooms <= {impu for _, impu in side.lab.edge.standing()}
    assert not any(map(side.lab.core.scscf.registered, ROOMS))
    call(first, second, name_of(room_of(second)))
    expect(second.locator("#talking")).to_contain_text(name_of(room_of(first)))
    hang_up(first, second)
    call(second, first, name_of(room_of(first)))
    hang_up(first, second)


@pytest.mark.req("S001-26", "S001-34", "S001-36")
def test_a_guest_and_a_subscriber_call_each_other(person):
    visitor, subscriber = person("inn"), person("chess")
    guest(visitor, "")
    own(subscriber, "bob")
    ready(subscriber)
    room = name_of(room_of(visitor))

    call(visitor, subscriber, "bob")
    expect(subscriber.locator("#talking")).to_contain_text(room)
    hang_up(subscriber, visitor)
    call(subscriber, visitor, room)
    hang_up(visitor, subscriber)


@pytest.mark.req("S001-26")
def test_a_guest_who_comes_too_late_is_told_to_wait_and_gets_the_room_that_is_left(person):
    guests = [person("inn") for _ in ROOMS]
    for page in guests:
        guest(page, "")
    assert {room_of(page) for page in guests} == ROOMS
    late = person("inn")
    guest(late, "")
    expect(late.locator("#advice")).to_have_text(re.compile("Next try in"), timeout=SOON)
    left = room_of(guests[1])

    leave(guests[1])
    # who comes during the quarantine is told for how long, and comes back by himself
    late.reload()

    assert room_of(late) == left
