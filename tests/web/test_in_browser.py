"""A person at a site: from the login page to a call, and what stands in the way."""

from __future__ import annotations

import re

import pytest

from playwright.sync_api import expect

from tests.web.ways import (
    READY,
    SOON,
    WAYS,
    agree,
    call,
    guest,
    hang_up,
    leave,
    log_in_here,
    operator,
    own,
    ready,
    third_party,
    to_the_operator,
    to_the_third_party,
    withdraw,
)


pytestmark = pytest.mark.browser


@pytest.mark.req("S001-15", "S003-6", "S004-1", "S004-2", "S004-9")
@pytest.mark.parametrize("kind", WAYS)
def test_from_the_login_page_to_a_call(person, kind):
    callee = person("chess")
    own(callee, "bob")
    caller = person(kind)
    WAYS[kind](caller, "alice")
    ready(callee)
    ready(caller)

    call(caller, callee, "bob")
    hang_up(caller, callee)


def test_two_tabs_of_one_browser_call_each_other(person):
    """Cookies of sites on one host do not get in each other's way."""
    callee = person("chess")
    own(callee, "bob")
    caller = person("party", callee.context)
    guest(caller, "")

    ready(callee)
    ready(caller)
    call(caller, callee, "bob")
    expect(callee.locator("#talking")).to_contain_text("party-guest")
    hang_up(callee, caller)


@pytest.mark.req("S004-1", "S002-1")
@pytest.mark.parametrize("kind", ["chess", "flowers", "party"])
def test_a_wrong_password_at_the_site_stays_there(person, kind):
    page = person(kind)

    log_in_here(page, "bob", "a guess")

    expect(page.get_by_role("alert")).to_have_text(re.compile("do not belong together"))
    expect(page.get_by_label("Name")).to_have_value("bob")


@pytest.mark.req("S004-4")
def test_a_wrong_password_at_the_waf_stays_there(person):
    page = person("myline")
    page.get_by_role("link", name="Log in at your operator").click()

    log_in_here(page, "bob", "a guess")

    expect(page.get_by_role("alert")).to_have_text(re.compile("That did not work"))


@pytest.mark.req("S004-4")
@pytest.mark.parametrize(
    ("kind", "go", "title"),
    [
        ("flowers", to_the_third_party, "Rosa's Flowers"),
        ("myline", to_the_operator, "My Line"),
    ],
)
def test_a_declined_consent_leads_back_without_a_phone(person, kind, go, title):
    page = person(kind)
    go(page, "bob")
    expect(page.get_by_role("heading")).to_have_text(f"Allow {title}?")

    page.get_by_role("button", name="Decline").click()

    expect(page.get_by_role("alert")).to_have_text(re.compile("You have not let this site"))


@pytest.mark.req("S003-1")
def test_a_guest_of_an_exhausted_pool_is_told_to_wait(person):
    for _ in range(6):
        first = person("party")
        guest(first, "")
        ready(first)
    late = person("party")

    guest(late, "")

    expect(late.locator("#status")).not_to_have_text(READY)
    expect(late.locator("#advice")).to_have_text(re.compile("Next try in"), timeout=SOON)


@pytest.mark.req("S000-7", "S000-9", "S002-7")
def test_users_of_a_suspended_site_get_no_phone_until_it_is_back(person, side):
    side.lab.sidecar.ctl("wwsf", "suspend", "chess", "--yes")
    try:
        page = person("chess")
        own(page, "bob")
        expect(page.locator("#status")).to_have_text(re.compile("no phone"), timeout=SOON)
    finally:
        side.lab.sidecar.ctl("wwsf", "resume", "chess")

    page.get_by_role("button", name="Try again").click()

    ready(page)


@pytest.mark.req("S000-8", "S000-9", "S004-15")
def test_a_phone_of_a_site_that_is_suspended_is_cut_and_comes_back_with_it(person, side):
    page, other = person("chess"), person("myline")
    own(page, "bob")
    operator(other, "alice")
    ready(page)
    ready(other)
    try:
        side.lab.sidecar.ctl("wwsf", "suspend", "chess", "--yes")
        expect(page.locator("#status")).to_have_text(re.compile("Trying again"), timeout=SOON)
        expect(other.locator("#status")).to_have_text(READY)
    finally:
        side.lab.sidecar.ctl("wwsf", "resume", "chess")

    # by itself; JsSIP doubles its pauses, from 2 s to 30 s
    expect(page.locator("#status")).to_have_text(READY, timeout=40_000)


@pytest.mark.req("S004-18")
def test_who_withdraws_at_the_waf_is_cut_off_and_asked_again(person, side):
    page = person("flowers")
    third_party(page, "alice")
    ready(page)

    withdraw(page.context.new_page(), side.waf_place.origin)

    expect(page.locator("#status")).to_have_text("Please sign in.", timeout=SOON)
    page.get_by_role("link", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Use my number").click()
    expect(page.get_by_role("heading")).to_have_text("Allow Rosa's Flowers?")
    agree(page)
    ready(page)


@pytest.mark.req("S003-2")
def test_who_logs_out_leaves_the_number_to_the_next_site_at_once(person):
    """The number is the same, but each site has a subject of its own for the user."""
    first, second = person("chess"), person("myline")
    own(first, "alice")
    ready(first)

    leave(first)
    operator(second, "alice")

    ready(second)
