"""The JWKS cache when the server is down, wrong, or not the one it should be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from epcscfd.ports import KeyFetch
from epcscfd.tokens.jwks import LONGEST_PAUSE
from epcscfd.tokens.lookup import Unreachable
from tests.adapters.tokens.asking import names
from tests.adapters.tokens.conftest import HARD, SOFT
from tests.fakes.issuer import FakeIssuer


@pytest.mark.req("SX-18")
async def test_old_keys_serve_while_the_server_is_down(asking, issuer, clock, watch):
    await asking.find()
    await issuer.stop()
    clock.advance(SOFT)

    assert names(await asking.find()) == ["ec-1"]
    assert watch.outcomes[-1] is KeyFetch.FAILED
    assert names(asking.look()) == ["ec-1"]


@pytest.mark.req("SX-18")
async def test_old_keys_do_not_serve_beyond_their_hard_life(asking, issuer, clock):
    await asking.find()
    await issuer.stop()
    clock.advance(HARD - 1)
    assert names(await asking.find()) == ["ec-1"]

    clock.advance(LONGEST_PAUSE.total_seconds())
    assert isinstance(await asking.find(), Unreachable)


@pytest.mark.req("SX-18")
async def test_without_any_keys_the_server_is_unreachable(asking, issuer, watch):
    await issuer.stop()

    assert isinstance(await asking.find(), Unreachable)
    assert watch.outcomes == [KeyFetch.FAILED]


async def test_a_server_that_is_down_is_left_alone_for_longer_and_longer(asking, issuer, clock):
    issuer.status = "503 Service Unavailable"
    pauses = []
    for _ in range(8):
        await asking.find()
        fetches, pause = asking.fetches, 0
        while asking.look() is not None:
            clock.advance(1)
            pause += 1
        assert asking.fetches == fetches
        pauses.append(pause)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_server_that_is_back_is_asked_as_before(asking, issuer, clock):
    issuer.status = "503 Service Unavailable"
    await asking.find()
    clock.advance(1)
    issuer.status = "200 OK"
    assert names(await asking.find()) == ["ec-1"]

    clock.advance(SOFT)
    issuer.status = "503 Service Unavailable"
    await asking.find()
    clock.advance(1)
    assert asking.look() is None


async def test_an_unknown_name_while_the_server_is_down_is_unknown(asking, issuer):
    await asking.find()
    issuer.status = "503 Service Unavailable"

    assert names(await asking.find("ec-2")) == []
    assert names(asking.look()) == ["ec-1"]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("404 Not Found", {}, None),
        ("500 Internal Server Error", {}, None),
        ("204 No Content", {}, b""),
        ("304 Not Modified", {}, b""),
        ("200 OK", {}, b"<html>"),
        ("200 OK", {}, b'{"keys": []}'),
        ("200 OK", {"Content-Encoding": "gzip"}, None),
        ("200 OK", {}, b'{"keys": [' + b" " * 262_144 + b"]}"),
        ("200 OK", {"Content-Length": "9999"}, None),
    ],
)
async def test_an_answer_that_is_no_key_set_is_none(status, headers, body, asking, issuer, watch):
    issuer.status, issuer.headers, issuer.body = status, headers, body

    assert isinstance(await asking.find(), Unreachable)
    assert watch.outcomes in ([KeyFetch.FAILED], [KeyFetch.REFUSED])


async def test_a_redirect_is_not_followed(asking, issuer):
    async with FakeIssuer() as elsewhere:
        issuer.status = "302 Found"
        issuer.headers = {"Location": elsewhere.url}

        assert isinstance(await asking.find(), Unreachable)
        assert elsewhere.requests == []


@pytest.fixture
async def proxy(monkeypatch):
    async with FakeIssuer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        yield proxy


async def test_the_environment_cannot_send_a_fetch_elsewhere(proxy, cache, issuer):
    # The proxy stands before the cache: a client reads its environment when it is made.
    assert names(await cache.find(issuer.url, "ec-1", "ES256")) == ["ec-1"]
    assert proxy.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.7/jwks.json",
        "http://waf.home1.net/jwks.json",
        "http://localhost.evil.example/jwks.json",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks.json",
        "jwks.json",
        "http://[::1",
        "https://127.0.0.1:99999/jwks.json",
        "https:///jwks.json",
        "https://a\nb/",
        "",
    ],
)
async def test_keys_come_by_https_or_from_this_machine(url, cache, watch):
    assert isinstance(await cache.find(url, None, "ES256"), Unreachable)
    assert watch.outcomes == [KeyFetch.FAILED]


async def test_a_server_that_drips_is_not_waited_for(asking, issuer, monkeypatch):
    monkeypatch.setattr("epcscfd.tokens.fetching.LONGEST_FETCH", timedelta(milliseconds=1))
    issuer.open.clear()

    assert Unreachable("no answer in time") == await asking.find()
