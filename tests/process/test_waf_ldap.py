"""The real WAF before the real directory of an operator: from its login page to a token."""

from __future__ import annotations

import ssl

from typing import TYPE_CHECKING

import httpx2
import pytest

from lab.certificates import Authority
from lab.slapd import BASE, READER, READER_PASSWORD, Person, Slapd
from lab.waf import Waf, WafPlan
from tests.adapters.waf.browsing import CALLBACK, PKCE, answer_of, authorization, hidden


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = (
    Person("alice", "alices", "alice@ims.example", ["sip:alice@ims.example", "tel:+4989123456"]),
    Person("bob", "bobs"),
)


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd"), PEOPLE) as slapd:
        yield slapd


@pytest.fixture(scope="module")
def waf(slapd: Slapd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waf]:
    """A WAF whose users are those of the directory, under TLS as cookies want it."""
    run_dir = tmp_path_factory.mktemp("waf")
    server = Authority(run_dir).issue_server("waf")
    files = {"certificate_file": str(server.certificate), "key_file": str(server.key)}
    password: Path = run_dir / "reader"
    password.write_text(READER_PASSWORD)
    ldap = {"url": slapd.url, "base": f"ou=people,{BASE}", "bind_dn": READER}
    ldap["password_file"] = str(password)
    with Waf(WafPlan(run_dir, settings=files, ldap=ldap)) as waf:
        waf.ctl("wwsf", "create", "shop", "--client-id", "shop-client")
        back = ("--grant-type", "authorization-code", "--redirect-uri", CALLBACK)
        waf.ctl("waf", "client", "create", "shop", *back)
        yield waf


@pytest.fixture
def web(waf: Waf) -> Iterator[httpx2.Client]:
    """A browser."""
    trust = ssl.create_default_context(cafile=str(waf.plan.run_dir / "authority.pem"))
    with httpx2.Client(verify=trust, base_url=waf.url, trust_env=False) as web:
        yield web


def log_in(web: httpx2.Client, user: str, password: str) -> httpx2.Response:
    form = hidden(web.get("/authorize", params=authorization()).text)
    done = web.post("/login", data={**form, "user": user, "password": password})
    return web.get(done.headers["location"]) if done.is_redirect else done


@pytest.mark.req("S001-14", "S000-6", "S000-2")
def test_a_user_of_the_directory_gets_a_token_with_what_stands_there(
    waf: Waf, web: httpx2.Client
) -> None:
    consent = log_in(web, "alice", "alices")
    answer = web.post("/consent", data={**hidden(consent.text), "decision": "allow"})
    secret = waf.ctl("waf", "client", "secret", "shop").strip()

    token = web.post(
        "/token",
        auth=("shop-client", secret),
        data={
            "grant_type": "authorization_code",
            "code": answer_of(answer)["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": PKCE.verifier,
        },
    ).json()

    assert token["ims_impi"] == "alice@ims.example"
    assert token["ims_impu"] == ["sip:alice@ims.example", "tel:+4989123456"]


@pytest.mark.req("S004-4", "S000-2")
@pytest.mark.parametrize(("user", "password"), [("alice", "bobs"), ("mallory", "alices")])
def test_the_directory_decides_who_gets_in(web: httpx2.Client, user: str, password: str) -> None:
    page = log_in(web, user, password)

    assert page.status_code == 401
    assert "That did not work. Please check name and password." in page.text


@pytest.mark.req("S001-14", "S000-6")
def test_an_entry_without_an_impi_gets_no_code(web: httpx2.Client) -> None:
    consent = log_in(web, "bob", "bobs")
    answer = web.post("/consent", data={**hidden(consent.text), "decision": "allow"})

    assert answer_of(answer)["error"] == "access_denied"


def test_while_the_directory_is_away_the_user_is_put_off_and_then_let_in(
    slapd: Slapd, web: httpx2.Client
) -> None:
    slapd.stop()
    try:
        away = log_in(web, "alice", "alices")
    finally:
        slapd.start()

    assert (away.status_code, int(away.headers["retry-after"]) > 0) == (503, True)
    assert log_in(web, "alice", "alices").status_code in {200, 303}
