"""Authorization codes in the wrong hands, by real browsers: used again, or for somebody else.

Whoever has a code, from a log or over a shoulder, brings it to the site in the way that a browser
can: as the answer to a question of his own.
"""

from __future__ import annotations

import re

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from playwright.sync_api import expect

from lab.waiting import wait_until
from tests.web.ways import SOON, agree, ready, third_party, to_the_third_party, withdraw


pytestmark = pytest.mark.browser

REFUSED = re.compile("it was used before, or is not yours")


def answer_of_the_waf(page, name):
    """Go as far as the WAF's answer, but do not let it reach the site; give it."""
    answers = []
    # not by `page.route`, which does not see what a redirect leads to
    wire = page.context.new_cdp_session(page)

    def hold(paused):
        answers.append(paused["request"]["url"])
        # an answer without a page: the browser stays where it is
        wire.send("Fetch.fulfillRequest", {"requestId": paused["requestId"], "responseCode": 204})

    wire.on("Fetch.requestPaused", hold)
    wire.send("Fetch.enable", {"patterns": [{"urlPattern": "*/callback?*"}]})
    to_the_third_party(page, name)
    allow = page.get_by_role("button", name="Allow")
    wait_until(lambda: bool(answers) or allow.is_visible(), seconds=20, what="question or answer")
    if not answers:
        allow.click()
        # whoever asks the page something lets in what has happened to it
        wait_until(lambda: bool(page.title() and answers), seconds=20, what="answer")
    wire.detach()
    return answers[0]


def with_code_of(answer, other):
    """The *other* answer's code, in an answer that fits the browser."""
    parts, code = urlsplit(answer), parse_qs(urlsplit(other).query)["code"]
    fields = {**parse_qs(parts.query), "code": code}
    return parts._replace(query=urlencode(fields, doseq=True)).geturl()


@pytest.fixture
def thief(person, side):
    """Somebody with an account of his own, who has let the site do nothing when he is gone."""
    page = person("flowers")
    yield page
    withdraw(page, side.waf_place.origin)


@pytest.fixture
def own_answer(thief):
    """What the WAF answers to a question of the thief's, as his browser waits for it."""
    return answer_of_the_waf(thief, "bob")


@pytest.mark.req("S004-6", "S004-7")
def test_a_code_of_somebody_else_s_is_of_no_use_and_stays_good(person, thief, own_answer):
    """PKCE: the verifier that the site sends along is the thief's own."""
    victim = person("flowers")
    stolen = answer_of_the_waf(victim, "alice")

    thief.goto(with_code_of(own_answer, stolen))

    expect(thief.get_by_role("alert")).to_have_text(REFUSED)
    victim.goto(stolen)
    ready(victim)
    expect(victim.locator("#impu")).to_have_text("sip:alice@ims.example")


@pytest.mark.req("S004-6", "S004-18")
def test_a_code_used_again_costs_its_user_the_phone_until_he_is_back(person, thief, own_answer):
    victim = person("flowers")
    with victim.expect_request("**/callback?**") as seen:
        third_party(victim, "alice")
    ready(victim)

    thief.goto(with_code_of(own_answer, seen.value.url))

    expect(thief.get_by_role("alert")).to_have_text(REFUSED)
    # nobody can tell which of the two was the thief: what the code has bought is gone
    expect(victim.locator("#status")).to_have_text("Please sign in.", timeout=SOON)
    victim.get_by_role("link", name="Sign in", exact=True).click()
    victim.get_by_role("link", name="Use my number").click()
    agree(victim)
    ready(victim)


@pytest.mark.req("S004-7")
def test_an_answer_counts_once_and_only_for_who_has_asked(person):
    victim, stranger = person("flowers"), person("flowers")
    answer = answer_of_the_waf(victim, "alice")

    stranger.goto(answer)
    expect(stranger.get_by_role("alert")).to_have_text(re.compile("not belong"))
    victim.goto(answer)
    ready(victim)
    victim.goto(answer)
    expect(victim.get_by_role("alert")).to_have_text(re.compile("not belong"))
