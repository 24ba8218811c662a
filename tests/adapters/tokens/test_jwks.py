"""The JWKS cache, against a server that misbehaves when it is told to."""

from __future__ import annotations

import asyncio

from datetime import timedelta

import pytest

from epcscfd.ports import KeyFetch
from epcscfd.tokens.jwks import REFETCH_EVERY, REFETCHES
from tests.adapters.tokens.asking import names
from tests.adapters.tokens.conftest import SOFT
from tests.fakes.issuer import FakeIssuer
from tests.vectors.signing import an_ec_key


NEW = an_ec_key("ec-2", seed=2)


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

    async with FakeIssuer() as other:
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
