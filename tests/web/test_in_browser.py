"""A person at a site: from the login page to a call, and what stands in the way."""

from __future__ import annotations

import re

import pytest

from playwright.sync_api import expect

from lab.web import PASSWORDS
from tests.browser.chromium import chromium


pytestmark = pytest.mark.browser

READY = "You can call and be called."
SOON = 25_000
"Milliseconds; a registration takes a tenth of a second on a quiet machine."


@pytest.fixture(scope="module")
def browser(side):
    """One Chromium; its event loop must be gone before asynchronous tests of other modules."""
    with chromium({}, side.lab.server.certificate) as running:
        yield running


@pytest.fixture
def person(browser, side):
    """Sit somebody before a site; everybody leaves when the test ends."""
    pages = []
    # who was here before has left for good: alice of one site is another user than of the next
    edge = side.lab.edge
    edge.wait_until(lambda: not edge.rows("ep_holder"), seconds=30, what="end of the others")

    def sit_down(kind):
        context = browser.new_context()
        page = context.new_page()
        pages.append(page)
        page.goto(side.sites[kind].origin)
        return page

    yield sit_down
    for page in pages:
        leave = page.get_by_role("button", name="Log out of this site")
        if leave.count():
            leave.click()
            page.wait_for_load_state()
        page.context.close()


def log_in_here(page, name, password=None):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password or PASSWORDS[name])
    page.get_by_role("button", name="Log in").click()


def agree(page):
    """Agree, unless it is known from before."""
    allow = page.get_by_role("button", name="Allow")
    expect(allow.or_(page.locator("#status"))).to_be_visible(timeout=SOON)
    if allow.is_visible():
        allow.click()


def own(page, name):
    log_in_here(page, name)


def operator(page, name):
    page.get_by_role("link", name="Log in at your operator").click()
    log_in_here(page, name)
    agree(page)


def third_party(page, name):
    log_in_here(page, name)
    page.get_by_role("link", name="Use my number").click()
    log_in_here(page, name)
    agree(page)


def guest(page, _name):
    page.get_by_role("button", name="Call as a guest").click()


WAYS = {"chess": own, "myline": operator, "flowers": third_party, "party": guest}


def ready(page):
    expect(page.locator("#status")).to_have_text(READY, timeout=SOON)
    return page


@pytest.mark.req("S001-15", "S003-6", "S004-1", "S004-2", "S004-9")
@pytest.mark.parametrize("kind", WAYS)
def test_from_the_login_page_to_a_call(person, kind):
    callee = person("chess")
    own(callee, "bob")
    caller = person(kind)
    WAYS[kind](caller, "alice")
    ready(callee)
    ready(caller)

    caller.get_by_label("Whom do you want to call?").fill("bob")
    caller.get_by_role("button", name="Call", exact=True).click()
    callee.get_by_role("button", name="Answer").click(timeout=SOON)

    for page in (caller, callee):
        expect(page.locator("#talking")).to_have_attribute("data-phase", "talking", timeout=SOON)
    caller.get_by_role("button", name="Hang up").click()
    expect(callee.locator("#talking")).to_be_hidden(timeout=SOON)


@pytest.mark.req("S004-4")
def test_a_wrong_password_at_the_waf_stays_there(person):
    page = person("myline")
    page.get_by_role("link", name="Log in at your operator").click()

    log_in_here(page, "bob", "a guess")

    expect(page.get_by_role("alert")).to_have_text(re.compile("That did not work"))


@pytest.mark.req("S004-4")
def test_a_declined_consent_leads_back_without_a_phone(person):
    page = person("flowers")
    log_in_here(page, "bob")
    page.get_by_role("link", name="Use my number").click()
    log_in_here(page, "bob")

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
