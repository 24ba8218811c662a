"""What a person does at a site of each kind to get a phone, and what the phone says then."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from lab.web import FIRST_ROOM, LAST_ROOM, PASSWORDS


READY = "You can call and be called."
ROOMS = {f"sip:room-{n}@ims.example" for n in range(FIRST_ROOM, LAST_ROOM + 1)}
"What the inn lends."

SOON = 25_000
"Milliseconds; a registration takes a tenth of a second on a quiet machine."


def log_in_here(page: Page, name: str, password: str | None = None) -> None:
    """Fill in the login page that is shown."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password or PASSWORDS[name])
    page.get_by_role("button", name="Log in").click()


def agree(page: Page) -> None:
    """Agree, unless it is known from before."""
    allow = page.get_by_role("button", name="Allow")
    expect(allow.or_(page.locator("#status"))).to_be_visible(timeout=SOON)
    if allow.is_visible():
        allow.click()


def own(page: Page, name: str) -> None:
    """The site knows its users."""
    log_in_here(page, name)


def to_the_operator(page: Page, name: str) -> None:
    """Log in at the WAF, as far as the question whether the site may."""
    page.get_by_role("link", name="Log in at your operator").click()
    log_in_here(page, name)


def operator(page: Page, name: str) -> None:
    """The WAF knows them."""
    to_the_operator(page, name)
    agree(page)


def to_the_third_party(page: Page, name: str) -> None:
    """Log in here and there, as far as the question whether the site may."""
    log_in_here(page, name)
    page.get_by_role("link", name="Use my number").click()
    log_in_here(page, name)


def third_party(page: Page, name: str) -> None:
    """Both know them."""
    to_the_third_party(page, name)
    agree(page)


def guest(page: Page, _name: str) -> None:
    """Nobody does."""
    page.get_by_role("button", name="Call as a guest").click()


WAYS = {"chess": own, "myline": operator, "flowers": third_party, "party": guest, "inn": guest}


def ready(page: Page) -> Page:
    """Wait until the phone is registered."""
    expect(page.locator("#status")).to_have_text(READY, timeout=SOON)
    return page


def leave(page: Page) -> None:
    """Leave for good, and wait until the site has taken note."""
    page.get_by_role("button", name="Log out of this site").click()
    page.wait_for_url(lambda url: not url.endswith("/wic/"))


def withdraw(page: Page, waf: str) -> None:
    """Take back at the WAF, on the user's own page there, what he has let sites do."""
    page.goto(f"{waf}/account")
    button = page.get_by_role("button", name="Withdraw")
    while button.count():
        button.first.click()
        page.wait_for_load_state()


def call(caller: Page, callee: Page, name: str) -> None:
    """Have one person call the other, by name, and wait until they talk."""
    caller.get_by_label("Whom do you want to call?").fill(name)
    caller.get_by_role("button", name="Call", exact=True).click()
    callee.get_by_role("button", name="Answer").click(timeout=SOON)
    for page in (caller, callee):
        expect(page.locator("#talking")).to_have_attribute("data-phase", "talking", timeout=SOON)


def hang_up(page: Page, other: Page) -> None:
    """End the call."""
    page.get_by_role("button", name="Hang up").click()
    expect(other.locator("#talking")).to_be_hidden(timeout=SOON)
