"""The real `epcscfd waf`: TLS, client certificates, restarts, and what it writes down."""

from __future__ import annotations

import os
import signal
import ssl

from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import jwt
import pytest

from lab.certificates import Authority
from lab.waf import Waf, WafPlan
from lab.waiting import wait_until


if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.certificates import Credential

IMPI = "v1@shop.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def waf(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waf]:
    """A WAF under TLS, with a WWSF that proves itself by certificate."""
    server, client = authority.issue_server("waf"), authority.issue_client("shop")
    files = {
        "certificate_file": str(server.certificate),
        "key_file": str(server.key),
        "client_ca_file": str(authority.certificate),
    }
    with Waf(WafPlan(tmp_path_factory.mktemp("waf"), settings=files)) as waf:
        waf.ctl("wwsf", "create", "shop", "--origin", "https://shop.example", "--pool-impi", IMPI)
        grants = ("--grant-type", "client-credentials", "--anonymous")
        proof = ("--authentication", "certificate", "--certificate", client.sha256())
        waf.ctl("waf", "client", "create", "shop", *grants, *proof)
        waf.ctl("waf", "account", "create", IMPI, "--impu", "sip:v1@ims.example")
        yield waf


def session(authority: Authority, credential: Credential | None = None) -> httpx2.Client:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if credential is not None:
        context.load_cert_chain(credential.certificate, credential.key)
    return httpx2.Client(verify=context, trust_env=False)


@pytest.mark.req("S003-8")
def test_a_wwsf_proves_itself_by_its_certificate_under_tls(waf: Waf, authority: Authority) -> None:
    form = {"grant_type": "client_credentials", "client_id": "shop", "ims_impi": IMPI}
    shown = {
        "its own": authority.issue_client("shop-again"),
        "another of the same authority": authority.issue_client("other"),
        "none": None,
    }
    waf.ctl("waf", "client", "update", "shop", "--certificate", shown["its own"].sha256())
    statuses = {}
    for what, credential in shown.items():
        with session(authority, credential) as web:
            # a header that only a front end may write
            headers = {"Client-Cert": ":eA==:", "X-Forwarded-For": "192.0.2.1"}
            answer = web.post(f"{waf.url}/token", data=form, headers=headers)
            statuses[what] = answer.status_code

    assert statuses == {"its own": 200, "another of the same authority": 401, "none": 401}
    with (
        session(Authority(waf.plan.run_dir / "strangers")) as web,
        pytest.raises(httpx2.ConnectError),
    ):
        web.get(f"{waf.url}/jwks")


def test_certificates_are_renewed_without_a_restart(waf: Waf, authority: Authority) -> None:
    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", waf.port))

    before = shown()
    broken = (waf.plan.settings["certificate_file"], b"no certificate")
    Path(broken[0]).write_bytes(broken[1])
    os.kill(waf.pid, signal.SIGHUP)
    wait_until(lambda: "waf.upkeep_failed" in waf.log.path.read_text(), seconds=10, what="SIGHUP")
    assert shown() == before

    authority.issue_server("waf")
    os.kill(waf.pid, signal.SIGHUP)
    wait_until(lambda: shown() != before, seconds=10, what="the new certificate")


@pytest.mark.req("S004-6", "S000-8")
def test_what_was_issued_survives_kill_9(tmp_path: Path) -> None:
    with Waf(WafPlan(tmp_path)) as waf:
        waf.ctl("wwsf", "create", "shop", "--origin", "https://shop.example", "--pool-impi", IMPI)
        grants = ("--grant-type", "client-credentials", "--anonymous")
        waf.ctl("waf", "client", "create", "shop", *grants)
        waf.ctl("waf", "account", "create", IMPI, "--impu", "sip:v1@ims.example")
        secret = waf.ctl("waf", "client", "secret", "shop").strip()
        tokens = [waf.pool_token("shop", secret, IMPI).json()["access_token"] for _ in range(2)]
        waf.ask("/revoke", {"token": tokens[0]}, ("shop", secret))
        keys = httpx2.get(f"{waf.url}/jwks", trust_env=False).json()
        waf.kill()
        waf.start()
        told = [
            waf.ask("/introspect", {"token": token}, ("shop", secret)).json()["active"]
            for token in tokens
        ]

        assert told == [False, True]
        assert httpx2.get(f"{waf.url}/jwks", trust_env=False).json() == keys
        assert jwt.get_unverified_header(tokens[0])["kid"] == keys["keys"][0]["kid"]
        written = waf.log.path.read_text()
        assert "waf.token_issued" in written
        assert [text for text in (secret, *tokens) if text in written] == []
        assert waf.stop()
        waf.start()


def test_a_secret_file_that_is_another_one_is_said_so(tmp_path: Path) -> None:
    with Waf(WafPlan(tmp_path)):
        pass
    (tmp_path / "secret").write_bytes(b"x" * 48)
    waf = Waf(WafPlan(tmp_path))

    with pytest.raises(RuntimeError, match=r"waf\.secret_file: is not the one"):
        waf.start()
