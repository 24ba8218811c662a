"""The page of the demonstration: what it shows, and what it does with its token."""

from __future__ import annotations

import itertools
import re
import threading

from collections.abc import Iterator

import pytest

from playwright.sync_api import expect

from lab.scripted import Behaviour
from tests.browser.conftest import STRANGER
from tests.browser.phone_page import registered, status
from tests.browser.site import Session
from tests.browser.tab import PATIENCE, Recorded


REFUSED = "You may not use this identity here, or somebody else has it at the moment."


@pytest.mark.req("S003-17", "S004-9")
def test_it_shows_who_is_registered_and_for_how_long(lab, wic, session, user):
    shown = registered(wic(session(user))).page

    assert lab.core.scscf.registered(user.impu)
    expect(shown.get_by_role("heading")).to_have_text("Alice Example")
    expect(shown.get_by_text(user.impu)).to_be_visible()
    expect(shown.locator("#remaining-text")).to_have_text(re.compile("^(59|60) min|^1 h"))
    expect(shown.get_by_label("Whom do you want to call?")).to_be_enabled()


def test_the_token_stays_in_memory(wic, session):
    mine = session()
    page = registered(wic(mine)).page

    kept = page.evaluate(
        """async () => JSON.stringify([location.href, {...localStorage}, {...sessionStorage},
            document.cookie, await indexedDB.databases(), document.documentElement.outerHTML,
            performance.getEntriesByType("resource").map(entry => entry.name)])"""
    )

    assert mine["token"] not in kept


REFRESHES_EARLY = "const random = Math.random; Math.random = () => random() / 2;"
"JsSIP refreshes by lot between a half of the time it was granted and shortly before its end."


@pytest.mark.req("S003-17")
def test_it_renews_before_the_token_ends_and_says_nothing(wic, session, user):
    first, second = session(user, life=600), session(user)
    # a refresh of JsSIP's own at the same moment would take the place of the page's
    shown = registered(wic(first, second, script=REFRESHES_EARLY))
    shown.page.evaluate("""() => new MutationObserver(() => window.disturbed = true)
        .observe(document.querySelector("#status"), { characterData: true, childList: true })""")

    wind(shown, step=30_000)
    with shown.page.expect_response("**/session"):
        shown.page.clock.fast_forward(40_000)
    # the clock may be faster than what the page does about the answer
    shown.wait(
        "token => window.wire.some(each => each.kind === 'sent' && each.text.includes(token))",
        argument=second["token"],
    )
    wind(shown, step=6_500)  # to the end of the first

    assert shown.sent("REGISTER")[-1].one("Authorization") == f"Bearer {second['token']}"
    assert {answer.status for answer in shown.answers("REGISTER")} == {200}
    assert len(shown.wire("opened")) == 1
    assert not shown.page.evaluate("() => window.disturbed ?? false")


@pytest.mark.req("S004-9")
@pytest.mark.parametrize(
    "address",
    [
        "ws://epcscf1.ims.example/",
        "https://epcscf1.ims.example/",
        "wss://epcscf1.evil.example/",
        "wss://ims.example.evil.example/",
        "wss://evilims.example/",
        "wss://ims.example@evil.example/",
        "wss://evil.example\\@ims.example/",
        "wss://user@epcscf1.ims.example/",
        "epcscf1.ims.example",
        "",
    ],
)
def test_it_connects_to_nobody_but_the_operator(wic, session, address):
    shown = wic(session(epcscf_uri=address))

    expect(status(shown)).to_contain_text("outside of ims.example")
    assert shown.wire("opening") == []


def test_a_refused_identity_is_final(wic, session, user):
    """403: no other token would help, so it does not come back by itself."""
    shown = wic(session(user, impi="carol@ims.example"), session(user))

    expect(status(shown)).to_have_text(REFUSED)
    wind(shown)

    assert len(shown.sent("REGISTER")) == 1
    assert len(shown.wire("opening")) == 1
    shown.page.get_by_role("button", name="Try again").click()
    registered(shown)


def test_a_refused_token_is_renewed_once(wic, session, user):
    shown = wic(session(user, scope="openid"), session(user))

    wind(shown)
    registered(shown)

    assert [answer.status for answer in shown.answers("REGISTER")] == [401, 200]


def test_the_refused_token_is_not_shown_again_while_its_site_is_slow(
    site, open_page, session, user
):
    """JsSIP comes back after two seconds, with the token that it has."""
    asked, given = threading.Event(), threading.Event()

    def slowly() -> Iterator[Session]:
        yield session(user, scope="openid")
        asked.set()
        given.wait(PATIENCE)
        yield session(user)

    site.sessions = slowly()
    shown = Recorded(open_page("/wic/"))
    expect(status(shown)).to_contain_text("Renewing it")
    assert asked.wait(PATIENCE)
    wind(shown)
    given.set()
    registered(shown)

    assert [answer.status for answer in shown.answers("REGISTER")] == [401, 200]


def test_who_signs_off_meanwhile_stays_away(site, open_page, session, user):
    asked, given = threading.Event(), threading.Event()

    def slowly() -> Iterator[Session]:
        asked.set()
        given.wait(PATIENCE)
        yield session(user)

    site.sessions = slowly()
    shown = Recorded(open_page("/wic/"))
    assert asked.wait(PATIENCE)
    shown.page.get_by_role("button", name="Sign off").click()
    with shown.page.expect_response("**/session"):
        given.set()
    wind(shown)

    expect(status(shown)).to_have_text("Signed off.")
    assert shown.wire("opening") == []


def test_a_second_refused_token_leads_to_the_login(wic, session, user):
    shown = wic(session(user, scope="openid"), session(user, scope="openid"), session(user))

    wind(shown)
    expect(status(shown)).to_contain_text("Please sign in again.")
    wind(shown)

    expect(shown.page.get_by_role("link", name="Sign in")).to_be_visible()
    assert [answer.status for answer in shown.answers("REGISTER")] == [401, 401]


def test_who_is_not_logged_in_is_led_to_the_login(wic):
    shown = wic()

    expect(status(shown)).to_have_text("Please sign in.")
    expect(shown.page.get_by_role("link", name="Sign in")).to_have_attribute("href", "/")
    assert shown.wire("opening") == []


def test_the_time_that_the_network_asks_for_is_kept(lab, wic, session):
    """It counts down, does not hurry, and comes back."""
    lab.sidecar.stop()
    lab.edge.wait_until(lambda: not lab.edge.asks, seconds=10, what="end of the sidecar")
    try:
        shown = wic(session())
        expect(status(shown)).to_have_text("The network is busy.")
        shown.hold_clock()
        expect(shown.page.get_by_role("alert")).to_contain_text("Next try in")
    finally:
        lab.sidecar.start()
    lab.edge.wait_until(lambda: lab.edge.asks, seconds=10, what="sidecar")

    wind(shown, step=100)
    wind(shown)
    registered(shown)

    heard, sent = shown.wire("heard")[0], shown.wire("sent")[1]
    asked_for = int(shown.answers("REGISTER")[0].one("Retry-After"))
    assert sent["at"] - heard["at"] >= asked_for * 1000


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        (Behaviour.FORBID, REFUSED),
        (Behaviour.CHALLENGE, "The network has a fault."),
        (Behaviour.NO_OUTBOUND, "The network refused the registration."),
    ],
)
def test_what_the_core_refuses_is_said_in_words(lab, wic, session, user, behaviour, text):
    lab.core.scscf.script(user.impu, behaviour)

    shown = wic(session(user))

    expect(status(shown)).to_have_text(text)


def test_a_door_that_stays_shut_is_tried_ever_more_rarely(wic, session):
    shown = wic(session(), origin=STRANGER)
    expect(status(shown)).to_contain_text("did not open. Trying again")

    for _ in range(60):
        shown.page.clock.fast_forward(2_000)
        shown.settle()
    tries = [entry["at"] for entry in shown.wire("opening")]

    assert 4 <= len(tries) <= 20
    assert max(pauses(tries)) > 8_000


def test_signing_off_ends_the_registration(lab, wic, session, user):
    shown = registered(wic(session(user)))

    shown.page.get_by_role("button", name="Sign off").click()

    expect(status(shown)).to_have_text("Signed off.")
    lab.core.scscf.wait_until_gone(user.impu)


def wind(wic: Recorded, step: int = 2_000) -> None:
    """Let fifteen steps of milliseconds pass; what it tries by itself in them is answered."""
    for _ in range(15):
        wic.page.clock.fast_forward(step)
        wic.settle()


def pauses(moments: list[float]) -> Iterator[float]:
    return (later - earlier for earlier, later in itertools.pairwise(moments))
