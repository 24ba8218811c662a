"""The JWKS cache, against a server that misbehaves when it is told to."""

from __future__ import annotations

import asyncio

from datetime import timedelta

import pytest

from epcscfd.ports import KeyFetch
from epcscfd.tokens.jwks import LONGEST_PAUSE, REFETCH_EVERY, REFETCHES
from epcscfd.tokens.lookup import Unreachable
from tests.adapters.tokens.conftest import HARD, SOFT
from tests.vectors.signing import an_ec_key


NEW = an_ec_key("ec-2", seed=2)


class Asking:
    """Asks one cache for the keys of one issuer."""

    def __init__(self, cache, issuer):
        self.cache = cache
        self.issuer = issuer
        self.url = issuer.url

    def look(self, kid="ec-1"):
        return self.cache.look(self.url, kid, "ES256")

    async def find(self, kid="ec-1"):
        return await self.cache.find(self.url, kid, "ES256")

    @property
    def fetches(self):
        return len(self.issuer.requests)


@pytest.fixture
def asking(cache, issuer):
    return Asking(cache, issuer)


def names(found):
    assert not isinstance(found, Unreachable), found
    return None if found is None else [key.kid for key in found]


# --- Fetching and keeping -----------------------------------------------------------------------


async def test_a_key_is_fetched_once_and_then_at_hand(asking):
    assert asking.look() is None
    assert names(await asking.find()) == ["ec-1"]
    assert names(asking.look()) == ["ec-1"]
    assert names(await asking.find()) == ["ec-1"]
    assert asking.fetches == 1


async def test_all_who_need_a_key_wait_for_one_fetch(asking, issuer):
    issuer.open.clear()
    waiting = [asyncio.create_task(asking.find()) for _ in range(20)]
    await issuer.asked.wait()
    issuer.open.set()

    assert [names(found) for found in await asyncio.gather(*waiting)] == [["ec-1"]] * 20
    assert asking.fetches == 1


async def test_one_who_gives_up_does_not_end_the_fetch_of_others(asking, issuer):
    issuer.open.clear()
    hasty, patient = asyncio.create_task(asking.find()), asyncio.create_task(asking.find())
    await issuer.asked.wait()
    hasty.cancel()
    issuer.open.set()

    assert names(await patient) == ["ec-1"]
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_one_url_does_not_wait_for_another(cache, issuer, asking):
    issuer.open.clear()
    slow = asyncio.create_task(asking.find())
    await issuer.asked.wait()

    async with type(issuer)() as other:
        assert names(await cache.find(other.url, "ec-1", "ES256")) == ["ec-1"]
    assert not slow.done()
    issuer.open.set()
    await slow


async def test_keys_stay_fresh_for_the_soft_life(asking, clock):
    await asking.find()

    clock.advance(SOFT - 1)
    assert names(asking.look()) == ["ec-1"]
    clock.advance(1)
    assert asking.look() is None
    await asking.find()
    assert asking.fetches == 2


@pytest.mark.parametrize(
    ("control", "fresh"),
    [
        ("max-age=60", 60),
        ("public, max-age = 60", 60),
        ("max-age=99999999", SOFT),
        ("max-age=1", 30),
        ("no-store", 30),
        ("no-cache, max-age=200", 30),
        ("s-maxage=60", SOFT),
        ("max-age=soon", SOFT),
        ("", SOFT),
    ],
)
async def test_the_server_may_shorten_the_soft_life(control, fresh, asking, issuer, clock):
    issuer.headers = {"Cache-Control": control}
    await asking.find()

    clock.advance(fresh - 1)
    assert names(asking.look()) == ["ec-1"]
    clock.advance(1)
    assert asking.look() is None


async def test_what_has_not_changed_is_not_sent_again(asking, issuer, clock, watch):
    issuer.headers = {"ETag": '"v1"'}
    await asking.find()
    clock.advance(SOFT)

    assert names(await asking.find()) == ["ec-1"]
    assert [request.get("if-none-match") for request in issuer.requests] == [None, '"v1"']
    assert watch.outcomes == [KeyFetch.FETCHED, KeyFetch.UNCHANGED]
    clock.advance(SOFT - 1)
    assert names(asking.look()) == ["ec-1"]


async def test_an_etag_that_went_away_is_not_asked_for_again(asking, issuer, clock):
    issuer.headers = {"ETag": '"v1"'}
    await asking.find()
    issuer.headers = {}
    for _ in range(2):
        clock.advance(SOFT)
        await asking.find()

    assert "if-none-match" not in issuer.requests[-1]


@pytest.mark.parametrize("etag", ["\xe9", "e" * 257])
async def test_an_etag_that_nobody_could_send_is_not_sent(etag, asking, issuer, clock):
    issuer.headers = {"ETag": etag}
    for _ in range(2):
        assert names(await asking.find()) == ["ec-1"]
        clock.advance(SOFT)

    assert "if-none-match" not in issuer.requests[-1]


# --- Rotation -----------------------------------------------------------------------------------


@pytest.mark.req("SX-18")
async def test_a_name_that_is_not_known_is_looked_for_once_more(asking, issuer):
    await asking.find()
    issuer.rotate(NEW)

    assert asking.look("ec-2") is None
    assert names(await asking.find("ec-2")) == ["ec-2"]
    assert names(asking.look("ec-2")) == ["ec-2"]
    assert asking.fetches == 2


@pytest.mark.req("SX-18")
async def test_a_key_that_was_rotated_out_verifies_nothing_more(asking, issuer):
    await asking.find()
    issuer.rotate(NEW)
    await asking.find("ec-2")

    assert names(await asking.find("ec-1")) == []


@pytest.mark.req("SX-18")
async def test_names_made_up_by_strangers_cause_few_fetches(asking, clock):
    await asking.find()
    for number in range(50):
        assert names(await asking.find(f"made-up-{number}")) == []

    assert asking.fetches == 1 + REFETCHES
    assert names(asking.look("made-up")) == []
    clock.advance(REFETCH_EVERY.total_seconds())
    assert asking.look("made-up") is None


@pytest.mark.req("SX-18")
async def test_strangers_delay_a_rotation_but_do_not_hide_it(asking, issuer, clock):
    await asking.find()
    for number in range(REFETCHES):
        await asking.find(f"made-up-{number}")
    issuer.rotate(NEW)

    assert names(await asking.find("ec-2")) == []
    clock.advance(REFETCH_EVERY.total_seconds())
    assert names(await asking.find("ec-2")) == ["ec-2"]


async def test_those_who_wait_for_a_fetch_that_is_under_way_cost_nothing(asking, issuer, clock):
    await asking.find()
    issuer.asked.clear()
    issuer.open.clear()
    waiting = [asyncio.create_task(asking.find(f"made-up-{number}")) for number in range(50)]
    await issuer.asked.wait()
    issuer.open.set()
    await asyncio.gather(*waiting)

    assert asking.fetches == 2
    for number in range(REFETCHES - 1):
        assert asking.look() is not None
        await asking.find(f"another-{number}")
    assert asking.fetches == 1 + REFETCHES


# --- Failure ------------------------------------------------------------------------------------


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
    async with type(issuer)() as elsewhere:
        issuer.status = "302 Found"
        issuer.headers = {"Location": elsewhere.url}

        assert isinstance(await asking.find(), Unreachable)
        assert elsewhere.requests == []


async def test_the_environment_cannot_send_a_fetch_elsewhere(asking, issuer, monkeypatch):
    async with type(issuer)() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)

        assert names(await asking.find()) == ["ec-1"]
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


# --- Keeping ahead ------------------------------------------------------------------------------


async def test_keys_are_fetched_before_they_are_needed(asking, cache, clock):
    await cache.refresh([asking.url], timedelta(seconds=20))
    assert names(asking.look()) == ["ec-1"]

    clock.advance(SOFT - 21)
    await cache.refresh([asking.url], timedelta(seconds=20))
    assert asking.fetches == 1
    clock.advance(1)
    await cache.refresh([asking.url], timedelta(seconds=20))
    assert asking.fetches == 2


async def test_keys_of_nobody_are_forgotten(asking, cache):
    await asking.find()
    await cache.refresh([], timedelta(seconds=20))

    assert asking.look() is None


async def test_a_server_that_is_down_is_left_alone_when_keeping_ahead(asking, cache, issuer):
    issuer.status = "503 Service Unavailable"
    await cache.refresh([asking.url], timedelta(seconds=20))
    await cache.refresh([asking.url], timedelta(seconds=20))

    assert asking.fetches == 1


async def test_everything_can_be_fetched_again_at_once(asking, cache):
    await asking.find()
    cache.expire()

    assert asking.look() is None
