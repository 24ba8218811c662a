"""The authorization endpoint and its pages (RFC 6749 4.1, RFC 7636, RFC 9207)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from epcscfd.domain.oauth.throttle import PER_ACCOUNT
from tests.adapters.waf.browsing import (
    ISSUER,
    PASSWORD,
    Browser,
    Waf,
    answer_of,
    authorization,
    hidden,
    is_guarded,
)
from tests.builders import a_wwsf


if TYPE_CHECKING:
    from tests.adapters.waf.conftest import Shop


@pytest.mark.req("S000-2", "S004-3", "S004-4", "S001-14", "S002-1")
async def test_a_user_logs_in_agrees_and_is_sent_back_with_a_code_once_asked(
    shop: Shop, alice: Browser
) -> None:
    login = await alice.open()
    consent = await alice.log_in(login)
    answer = answer_of(await alice.decide(consent))
    again = answer_of(await alice.open(state="second"))

    for page in (login, consent):
        assert page.status_code == 200
        is_guarded(page)
        assert "shop" in page.text
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("xyz", ISSUER)
    assert (again["state"], again["code"] != answer["code"]) == ("second", True)
    token = (await shop.redeem(answer["code"])).json()
    assert token["epcscf_uri"] == "wss://epcscf.home1.net"
    told = await shop.introspect(token["access_token"])
    assert (told["ims_impi"], told["ims_impu"]) == (
        "alice@home1.net",
        ["sip:alice@home1.net", "tel:+4989123456"],
    )


async def test_what_may_be_left_out_is_left_out(shop: Shop, alice: Browser) -> None:
    page = await alice.log_in(await alice.open(state=None, redirect_uri=None, scope=None))
    answer = answer_of(await alice.decide(page))

    assert set(answer) == {"code", "iss"}
    # RFC 6749 4.1.3: then it is left out here, too
    assert (await shop.redeem(answer["code"])).json()["error"] == "invalid_grant"
    assert (await shop.redeem(answer["code"], redirect_uri=None)).status_code == 200


async def test_a_request_may_be_posted(waf: Waf, alice: Browser) -> None:
    page = await alice.http.post("/authorize", data=authorization())

    assert (page.status_code, "/login" in page.text) == (200, True)


@pytest.mark.req("S004-4", "S000-2")
async def test_who_declines_or_cancels_sends_back_that(alice: Browser) -> None:
    login = await alice.open()
    cancelled = await alice.http.post("/login", data={**hidden(login.text), "cancel": "1"})
    consent = await alice.log_in(login)
    declined = await alice.decide(consent, "deny")

    for response in (cancelled, declined):
        answer = answer_of(response)
        assert (answer["error"], answer["state"]) == ("access_denied", "xyz")
        assert "code" not in answer
    # nothing was agreed to
    assert "/consent" in (await alice.open()).text


@pytest.mark.req("S004-4", "S000-2", "S002-1")
@pytest.mark.parametrize(
    ("user", "password"),
    [("alice", "wrong"), ("mallory", PASSWORD), ("alice", "p" * 2000), ("a" * 300, PASSWORD)],
)
async def test_a_wrong_password_stays_on_the_page_and_does_not_say_what_was_wrong(
    waf: Waf, alice: Browser, user: str, password: str
) -> None:
    page = await alice.log_in(await alice.open(), password, user)

    assert page.status_code == 401
    assert "That did not work. Please check name and password." in page.text
    assert user not in page.text
    assert "/login" in (await alice.open()).text
    assert waf.told.logins == ["failed"]


@pytest.mark.req("S004-4", "S000-2", "S002-1")
async def test_guesses_run_out_for_an_account_and_come_back_with_time(
    waf: Waf, alice: Browser
) -> None:
    login = await alice.open()
    guesses = [await alice.log_in(login, f"guess {n}") for n in range(PER_ACCOUNT.burst + 1)]
    right = await alice.log_in(login)
    cancelled = await alice.http.post("/login", data={**hidden(right.text), "cancel": "1"})
    waf.clock.advance(PER_ACCOUNT.every.total_seconds())
    later = await alice.log_in(login)

    assert [page.status_code for page in guesses] == [401] * PER_ACCOUNT.burst + [429]
    assert right.status_code == 429
    assert "code" not in answer_of(cancelled)
    assert answer_of(cancelled)["error"] == "access_denied"
    assert "/consent" in later.text


async def test_guesses_run_out_for_an_address_over_many_accounts(waf: Waf, shop: Shop) -> None:
    browser = Browser(waf)
    browser.http = waf.web
    login = await browser.open()
    browser.http.headers["X-Forwarded-For"] = "1.2.3.4, 192.0.2.1"
    for n in range(30):
        page = await browser.log_in(login, "guess", f"user{n}")
        assert page.status_code == 401
    throttled = await browser.log_in(login, "guess", "user31")
    browser.http.headers["X-Forwarded-For"] = "192.0.2.1, 198.51.100.1"
    elsewhere = await browser.log_in(login, "guess", "user31")

    assert (throttled.status_code, elsewhere.status_code) == (429, 401)


@pytest.mark.req("S000-6")
async def test_a_user_without_account_gets_no_code(waf: Waf, alice: Browser) -> None:
    await waf.add_user("bob", None)
    page = await alice.log_in(await alice.open(), user="bob")

    assert answer_of(await alice.decide(page))["error"] == "access_denied"


@pytest.mark.req("S000-5")
async def test_a_user_out_of_another_wwsf_s_pool_gets_no_code(waf: Waf, alice: Browser) -> None:
    await waf.add_other()
    await waf.add_account("w1@other.example")
    await waf.add_user("carol", "w1@other.example")
    page = await alice.log_in(await alice.open(), user="carol")

    assert answer_of(await alice.decide(page))["error"] == "access_denied"


async def test_forms_of_other_sites_do_nothing(waf: Waf, shop: Shop, alice: Browser) -> None:
    page = await alice.log_in(await alice.open())
    mallory = Browser(waf)
    stolen = hidden((await mallory.open()).text)
    forms = {
        "/consent": {**hidden(page.text), "decision": "allow"},
        "/login": {**hidden(page.text), "user": "alice", "password": PASSWORD},
        "/account/withdraw": {"wwsf": "shop"},
        "/logout": {"all": "1"},
    }
    for path, form in forms.items():
        for token in (None, "", stolen["form_token"], "ü"):
            sent = {**form, "form_token": token} if token is not None else dict(form)
            if token is None:
                sent.pop("form_token", None)
            answer = await alice.http.post(path, data=sent)
            assert answer.status_code == 403, (path, token)
            is_guarded(answer)


async def test_a_cookie_from_before_the_login_is_worth_nothing_after(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    login = await alice.open()
    planted = alice.http.cookies["__Host-waf"]
    await alice.log_in(login)
    other = Browser(waf)
    other.http.cookies.set("__Host-waf", planted, domain="waf.home1.net")

    assert alice.http.cookies["__Host-waf"] != planted
    assert "/login" in (await other.open()).text
    cookie = login.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"))


async def test_a_session_ends_with_time_and_by_logging_out(waf: Waf, alice: Browser) -> None:
    page = await alice.log_in(await alice.open())
    session = alice.http.cookies["__Host-waf"]
    await alice.http.post("/logout", data=hidden(page.text))
    other = Browser(waf)
    other.http.cookies.set("__Host-waf", session, domain="waf.home1.net")
    assert "/login" in (await other.open()).text

    await other.log_in(await other.open())
    assert "/consent" in (await other.open()).text
    waf.clock.advance(3601)
    assert "/login" in (await other.open()).text


async def test_a_page_shows_what_others_have_written_and_does_not_obey_it(waf: Waf) -> None:
    await waf.add_wwsf(a_wwsf(display_name="<script>alert(1)</script>"))
    page = await Browser(waf).open(state="<b>")

    is_guarded(page)
    assert "&lt;script&gt;" in page.text


async def test_forms_may_lead_to_the_client_and_nowhere_else(alice: Browser) -> None:
    page = await alice.open()

    assert page.headers["content-security-policy"].endswith(
        "form-action 'self' https://shop.example"
    )


async def test_the_style_sheet_is_ours(alice: Browser) -> None:
    style = await alice.http.get("/waf.css")

    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text


@pytest.mark.req("S004-18")
async def test_a_user_sees_and_withdraws_what_was_admitted(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    first = (await shop.redeem(await alice.get_code())).json()
    second = (await shop.redeem(await alice.get_code())).json()
    pool = (await shop.pool_token()).json()["access_token"]
    page = await alice.http.get("/account")
    withdrawn = await alice.http.post("/account/withdraw", data=hidden(page.text))

    is_guarded(page)
    assert "<strong>shop</strong>" in page.text
    assert (withdrawn.status_code, withdrawn.headers["location"]) == (303, "/account")
    assert "Nobody but you." in (await alice.http.get("/account")).text
    for token in (first, second):
        assert await shop.introspect(token["access_token"]) == {"active": False}
        refused = await shop.refresh(token["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    # what the shop has for others stays, and the edges hear of alice's alone
    assert (await shop.introspect(pool))["active"] is True
    assert len(waf.revoked.jtis) == 2
    # it is asked anew
    assert "/consent" in (await alice.open()).text


async def test_who_is_not_logged_in_sees_and_withdraws_nothing(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    token = (await shop.redeem(await alice.get_code())).json()["access_token"]
    stranger = Browser(waf)
    page = await stranger.http.get("/account")
    await stranger.http.post("/account/withdraw", data={**hidden(page.text), "wwsf": "shop"})

    assert 'name="password"' in page.text
    assert (await shop.introspect(token))["active"] is True


async def test_who_logs_in_at_the_own_page_stays_there(alice: Browser) -> None:
    page = await alice.http.get("/account")
    done = await alice.http.post(
        "/login", data={**hidden(page.text), "user": "ALICE ", "password": PASSWORD}
    )

    assert (done.status_code, done.headers["location"]) == (303, "/account")


async def test_a_page_that_carries_nonsense_says_so(waf: Waf, alice: Browser) -> None:
    page = await alice.log_in(await alice.open())
    fields = hidden(page.text)
    for carried in ("%ff", "a=1&a=2", "client_id=nobody"):
        for path in ("/consent", "/login"):
            answer = await alice.http.post(path, data={**fields, "request": carried})
            assert answer.status_code == 400, (path, carried)
