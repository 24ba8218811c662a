"""The web site, page by page."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from demo.wwsf.accounts import TRIES
from demo.wwsf.grants import Delegated, Lending, Vouching
from demo.wwsf.pool.lease import Pair, Terms
from demo.wwsf.pool.shelf import Shelf
from demo.wwsf.sessions import cookie_of
from demo.wwsf.waf import WafError
from epcscfd.store.engine import make_engine
from tests.demo.site import PASSWORD, FakeWaf, a_pool, a_site, browser


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COOKIE = cookie_of("shop")
ANNA = {"name": "anna", "password": PASSWORD}


@pytest.fixture
def waf() -> FakeWaf:
    return FakeWaf()


@pytest.fixture
async def own(waf) -> AsyncIterator[Any]:
    async with browser(a_site(), waf, Vouching(waf)) as page:
        yield page


@pytest.fixture
async def third_party(waf) -> AsyncIterator[Any]:
    async with browser(a_site(kind="third_party"), waf, Delegated(waf)) as page:
        yield page


@pytest.fixture
async def pool(waf, tmp_path: Path) -> AsyncIterator[Any]:
    """Two browsers at a site with one identity to lend."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/pool.db")
    shelf = Shelf(engine, Terms.of(60, 10, 30))
    await shelf.open()
    await shelf.stock([Pair("p1@pool.example", ("sip:p1@pool.example",))], _now())
    site = a_site(kind="pool", pool=a_pool(guests=True))
    async with AsyncExitStack() as stack:
        sources = [Lending(waf, shelf) for _ in range(2)]
        yield [await stack.enter_async_context(browser(site, waf, each)) for each in sources]
    await engine.dispose()


def _now() -> datetime:

    return datetime.now(UTC)


@pytest.mark.req("S002-1")
async def test_a_user_who_logs_in_gets_a_token_for_his_browser(own, waf) -> None:
    assert (await own.post("/login", data=ANNA)).status_code == 303

    session = (await own.get("/session")).json()

    assert waf.asked == [("user", "u-17")]
    assert session["token"] == "token-1"
    assert session["impu"] == "sip:anna@ims.example"
    assert session["epcscf_uri"] == "wss://edge.example/"


@pytest.mark.req("S002-1", "S004-1")
@pytest.mark.parametrize("given", [{**ANNA, "password": "guess"}, {**ANNA, "name": "nobody"}, {}])
async def test_wrong_names_and_wrong_passwords_look_alike(own, given) -> None:
    answer = await own.post("/login", data=given)

    assert answer.status_code == 401
    assert "That name and password do not belong together." in answer.text
    assert (await own.get("/session")).status_code == 401


async def test_guessing_is_stopped_even_with_the_right_password(own) -> None:
    for _ in range(TRIES):
        await own.post("/login", data={**ANNA, "password": "guess"})

    assert (await own.post("/login", data=ANNA)).status_code == 429


@pytest.mark.req("S002-11")
async def test_an_ims_credential_is_for_the_core_to_check(own) -> None:
    given = {"name": "anna@ims.example", "password": "whatever"}

    answer = await own.post("/login", json=given)

    assert (answer.status_code, answer.json()) == (200, {"auth": "ims"})
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize("body", [b"{", b"[]", b'"anna"', b'{"name": 3}'])
async def test_what_is_no_login_lets_nobody_in(own, body) -> None:
    answer = await own.post("/login", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 401


async def test_a_login_makes_a_new_session(own) -> None:
    await own.post("/login", data=ANNA)
    planted = own.cookies[COOKIE]

    await own.post("/login", data=ANNA)

    assert own.cookies[COOKIE] != planted
    own.cookies.clear()
    own.cookies.set(COOKIE, planted)
    assert (await own.get("/session")).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_posts_of_other_sites_are_refused(own, origin) -> None:
    answer = await own.post("/login", data=ANNA, headers={"origin": origin})

    assert answer.status_code == 403


@pytest.mark.req("S004-8")
async def test_answers_with_tokens_are_kept_nowhere(own) -> None:
    await own.post("/login", data=ANNA)
    answer = await own.get("/session")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    cookie = (await own.post("/login", data=ANNA)).headers["set-cookie"].lower()
    assert {"secure", "httponly", "path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.req("S004-9")
async def test_the_page_is_told_where_the_epcscf_may_be(own) -> None:
    await own.post("/login", data=ANNA)
    page = await own.get((await own.get("/")).headers["location"])

    assert '<meta name="operator-domain" content="edge.example">' in page.text
    assert "wss://*.edge.example:*" in page.headers["content-security-policy"]


async def test_a_token_is_renewed_when_half_of_its_life_is_over(own, waf) -> None:
    await own.post("/login", data=ANNA)
    waf.life = 0
    assert (await own.get("/session")).json()["token"] == "token-1"
    waf.life = 600

    assert (await own.get("/session")).json()["token"] == "token-2"
    assert (await own.get("/session")).json()["token"] == "token-2"


async def test_leaving_revokes_what_was_handed_out(own, waf) -> None:
    await own.post("/login", data=ANNA)
    await own.get("/session")

    await own.post("/logout")

    assert waf.revoked == ["token-1"]
    assert (await own.get("/session")).status_code == 401


@pytest.mark.parametrize(
    ("failure", "status", "later"),
    [
        (WafError("ConnectError", unavailable=True), 503, True),
        (WafError("unauthorized_client"), 403, False),
    ],
)
async def test_a_waf_that_gives_nothing_is_told_of(own, waf, failure, status, later) -> None:
    await own.post("/login", data=ANNA)
    waf.failure = failure

    answer = await own.get("/session")

    assert answer.status_code == status
    assert ("retry-after" in answer.headers) is later


@pytest.mark.req("S004-2")
async def test_the_user_is_sent_to_the_waf_and_comes_back_with_a_code(third_party, waf) -> None:
    await third_party.post("/login", data=ANNA)

    away = await third_party.get("/connect")
    back = await third_party.get("/callback?code=c1&state=state-1")

    assert away.headers["location"].startswith("https://waf.example/authorize?")
    assert back.status_code == 303
    assert waf.asked == [("code", "c1 verifier-1")]
    assert (await third_party.get("/session")).json()["token"] == "token-1"


@pytest.mark.req("S004-7")
@pytest.mark.parametrize(
    "query", ["code=c1&state=other", "code=c1", "code=c1&state=state-1&iss=https://evil.example"]
)
async def test_an_answer_to_no_question_of_ours_is_dropped(third_party, waf, query) -> None:
    await third_party.post("/login", data=ANNA)
    await third_party.get("/connect")

    assert (await third_party.get(f"/callback?{query}")).status_code == 400
    assert waf.asked == []


async def test_a_state_is_good_once(third_party, waf) -> None:
    await third_party.post("/login", data=ANNA)
    await third_party.get("/connect")
    await third_party.get("/callback?code=c1&state=state-1")

    assert (await third_party.get("/callback?code=c2&state=state-1")).status_code == 400
    assert len(waf.asked) == 1


async def test_a_declined_consent_is_said_plainly(third_party) -> None:
    await third_party.post("/login", data=ANNA)
    await third_party.get("/connect")

    answer = await third_party.get("/callback?error=access_denied&state=state-1")

    assert "You have not let this site use your number." in answer.text
    assert (await third_party.get("/session")).json() == {"error": "not_connected"}


async def test_nobody_goes_to_the_waf_without_an_account_here(third_party) -> None:
    answer = await third_party.get("/connect")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_renewal_uses_the_latest_refresh_token(third_party, waf) -> None:
    await third_party.post("/login", data=ANNA)
    await third_party.get("/connect")
    waf.life = 0
    await third_party.get("/callback?code=c1&state=state-1")

    await third_party.get("/session")
    await third_party.get("/session")

    assert waf.asked[1:] == [("refresh", "refresh-1"), ("refresh", "refresh-2")]


async def test_a_token_that_was_refused_is_replaced_however_young(own, waf) -> None:
    await own.post("/login", data=ANNA)
    await own.get("/session")

    assert (await own.get("/session?refused")).json()["token"] == "token-2"
    assert (await own.get("/session")).json()["token"] == "token-2"


@pytest.mark.req("S004-18", "S004-19")
@pytest.mark.parametrize(
    ("kind", "way_back"),
    [("third_party", "Use my number"), ("operator", "Log in at your operator")],
)
async def test_who_has_taken_the_grant_back_is_asked_again(waf, kind, way_back) -> None:
    async with browser(a_site(kind=kind), waf, Delegated(waf)) as page:
        await page.post("/login", data=ANNA)
        await page.get("/connect")
        await page.get("/callback?code=c1&state=state-1")
        assert (await page.get("/")).headers["location"] == "/wic/"

        waf.failure = WafError("invalid_grant")
        told = await page.get("/session?refused")

        assert (told.status_code, told.json()) == (401, {"error": "not_connected"})
        assert way_back in (await page.get("/")).text


@pytest.mark.req("S003-1", "S003-4")
async def test_a_guest_gets_a_number_and_the_next_one_has_to_wait(pool, waf) -> None:
    first, second = pool
    for each in pool:
        assert (await each.post("/guest")).status_code == 303

    session = (await first.get("/session")).json()
    refused = await second.get("/session")

    assert waf.asked == [("pair", "p1@pool.example for a guest")]
    assert (session["impu"], session["display_name"]) == ("sip:anna@ims.example", "")
    assert (refused.status_code, refused.json()) == (503, {"error": "pool_exhausted"})
    assert int(refused.headers["retry-after"]) > 600


async def test_a_pool_user_is_named_to_the_waf_by_what_says_nothing(pool, waf) -> None:
    await pool[0].post("/login", data=ANNA)
    await pool[0].get("/session")

    assert waf.asked == [("pair", "p1@pool.example for u-17")]


async def test_a_pair_whose_token_could_not_be_revoked_stays_lent(pool, waf) -> None:
    first, second = pool
    await first.post("/guest")
    await first.get("/session")
    waf.revokes = False

    await first.post("/logout")
    await second.post("/guest")

    assert int((await second.get("/session")).headers["retry-after"]) > 600


async def test_a_pair_that_was_given_back_is_free_after_quarantine(pool) -> None:
    first, second = pool
    await first.post("/guest")
    await first.get("/session")

    await first.post("/logout")
    await second.post("/guest")

    assert int((await second.get("/session")).headers["retry-after"]) <= 31


async def test_guests_are_let_in_only_where_they_may(own) -> None:
    assert (await own.post("/guest")).status_code == 403


def test_a_pool_site_needs_a_pool() -> None:
    with pytest.raises(ValueError, match="pool"):
        a_site(kind="pool")
