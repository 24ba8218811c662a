"""Introspection, against a real server that asks who is asking."""

from __future__ import annotations

import asyncio
import json

from dataclasses import replace
from datetime import timedelta

import pytest

from epcscfd.domain.introspection import Introspection
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken, TokenFault
from epcscfd.ports import IntrospectionOutcome
from epcscfd.tokens.introspection.breaker import LONGEST_PAUSE, TOLERATED
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.introspector import Introspector
from lab.introspection import CLIENT_ID, Askers, IntrospectionServer
from lab.issuer import Issuer
from tests.builders import NOW, an_entity
from tests.fakes.memory import MemoryTokenWatch


SECRET = "a secret: with %, + and ü"
ALICE = "alice@home1.net"
TTL, NEGATIVE_TTL = 60, 5
BIG = 100_000


@pytest.fixture
def server():
    issuer = Issuer("https://waf.home1.net", "shop-client")
    with IntrospectionServer(issuer, Askers(basic=SECRET)) as serving:
        yield serving


@pytest.fixture
def watch():
    return MemoryTokenWatch()


@pytest.fixture
async def introspector(clock, watch, tmp_path):
    (tmp_path / "waf").write_text(SECRET + "\n")
    asking = Introspector(clock, watch, CredentialStore(tmp_path, {}))
    yield asking
    await asking.close()


@pytest.fixture
def entity(server):
    terms = Introspection(
        server.url,
        CLIENT_ID,
        "waf",
        ttl=timedelta(seconds=TTL),
        negative_ttl=timedelta(seconds=NEGATIVE_TTL),
    )
    return an_entity(keys=None, introspection=terms)


def a_token(server, **more):
    """An opaque token by the frozen clock: a minute old, good for ten more."""
    now = int(NOW.timestamp())
    return server.token(ALICE, **{"iat": now - 60, "exp": now + 600, **more})


def changed(entity, **terms):
    return replace(entity, introspection=replace(entity.introspection, **terms))


# --- What the answer says -----------------------------------------------------------------------


@pytest.mark.req("S002-3", "S004-11")
async def test_an_opaque_token_is_what_its_issuer_says_it_is(introspector, entity, server):
    token = a_token(server, jti="jti-1")

    assert introspector.look(token, entity) is None
    found = await introspector.ask(token, entity)

    assert isinstance(found, AccessToken)
    assert (str(found.impi), found.token_id, found.entity) == (ALICE, "jti-1", "waf")
    assert found.confirmed_until == NOW + timedelta(seconds=TTL)
    assert [form["token_type_hint"] for form in server.asked] == ["access_token"]


async def test_a_token_that_is_not_active_is_no_good(introspector, entity):
    found = await introspector.ask("unheard-of", entity)

    assert (found.reason, found.introspected) == (Reason.TOKEN_INACTIVE, True)


ANSWERS = {
    "another issuer": ({"iss": "https://other.example"}, Reason.ENTITY_UNKNOWN),
    "no audience": ({"aud": None}, Reason.CLAIMS_MALFORMED),
    "no end": ({"exp": None}, Reason.CLAIMS_MALFORMED),
    "no beginning": ({"iat": None}, Reason.CLAIMS_MALFORMED),
    "neither subject nor client": (
        {"sub": None, "client_id": None},
        Reason.CLAIMS_MALFORMED,
    ),
    "a subject that is no text": ({"sub": 17}, Reason.CLAIMS_MALFORMED),
    "DPoP": ({"token_type": "DPoP"}, Reason.BINDING_UNKNOWN),
    "bound to a key": ({"cnf": {"jkt": "x"}}, Reason.BINDING_UNKNOWN),
    "no identity": ({"ims_impi": "not one"}, Reason.IDENTITY_MALFORMED),
}


@pytest.mark.req("SX-21")
@pytest.mark.parametrize(("more", "reason"), ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_read_as_strictly_as_a_jwt(introspector, entity, server, more, reason):
    token = a_token(server)
    server.answers[token] |= more
    server.answers[token] = {k: v for k, v in server.answers[token].items() if v is not None}
    found = await introspector.ask(token, entity)

    assert (found.reason, found.introspected) == (reason, True)


@pytest.mark.req("S002-3")
async def test_where_no_user_is_involved_the_client_is_the_subject(introspector, entity, server):
    token = a_token(server)
    del server.answers[token]["sub"]
    found = await introspector.ask(token, entity)

    assert (found.subject, found.wwsf) == ("shop-client", "shop-client")


async def test_a_certificate_binding_is_kept(introspector, entity, server):
    thumbprint = "A" * 43
    found = await introspector.ask(a_token(server, cnf={"x5t#S256": thumbprint}), entity)

    assert found.certificate == "00" * 32


@pytest.mark.req("S002-4")
async def test_without_a_mapping_there_are_no_identities(introspector, entity, server):
    token = a_token(server, ims_impi=None, ims_impu=None)
    found = await introspector.ask(token, entity)

    assert (found.impi, found.impus) == (None, frozenset())


# --- For how long it holds ----------------------------------------------------------------------


@pytest.mark.req("S002-7", "SX-23")
async def test_an_answer_holds_for_its_ttl(introspector, entity, server, clock):
    token = a_token(server)
    await introspector.ask(token, entity)
    clock.advance(TTL - 1)

    assert isinstance(introspector.look(token, entity), AccessToken)
    clock.advance(1)
    assert introspector.look(token, entity) is None
    assert len(server.asked) == 1


@pytest.mark.req("S002-7")
async def test_an_answer_does_not_outlive_the_token(introspector, entity, server, clock):
    token = a_token(server, exp=int(NOW.timestamp()) + 20)
    found = await introspector.ask(token, entity)
    clock.advance(20)

    assert found.confirmed_until == found.expires_at
    assert introspector.look(token, entity) is None


async def test_word_of_a_dead_token_holds_briefly(introspector, entity, server, clock):
    await introspector.ask("dead", entity)
    clock.advance(NEGATIVE_TTL - 1)

    assert introspector.look("dead", entity).reason is Reason.TOKEN_INACTIVE
    clock.advance(1)
    assert introspector.look("dead", entity) is None


@pytest.mark.req("S002-7")
async def test_what_is_forgotten_is_asked_anew(introspector, entity, server):
    mine, another = a_token(server, sub="me"), a_token(server, sub="another")
    for token in (mine, another):
        await introspector.ask(token, entity)
    server.revoke(mine)

    assert introspector.forget(lambda token: token.subject == "me") == 1
    assert (await introspector.ask(mine, entity)).reason is Reason.TOKEN_INACTIVE
    assert isinstance(introspector.look(another, entity), AccessToken)


async def test_what_is_forgotten_while_it_is_asked_is_not_remembered(introspector, entity, server):
    server.gate.clear()
    token = a_token(server)
    asking = asyncio.create_task(introspector.ask(token, entity))
    assert await asyncio.to_thread(server.came.acquire, timeout=10)
    introspector.forget(lambda _: True)
    server.gate.set()

    assert isinstance(await asking, AccessToken)
    assert introspector.look(token, entity) is None


async def test_an_entity_that_was_edited_is_asked_anew(introspector, entity, server):
    token = a_token(server)
    await introspector.ask(token, entity)

    assert introspector.look(token, replace(entity, epoch=2)) is None


# --- Who waits for whom -------------------------------------------------------------------------


async def test_all_who_show_a_token_wait_for_one_answer(introspector, entity, server):
    server.gate.clear()
    token = a_token(server)
    asking = [asyncio.create_task(introspector.ask(token, entity)) for _ in range(20)]
    assert await asyncio.to_thread(server.came.acquire, timeout=10)
    asking[0].cancel()
    server.gate.set()

    assert {type(found) for found in await asyncio.gather(*asking[1:])} == {AccessToken}
    assert len(server.asked) == 1


async def test_an_entity_that_hangs_holds_up_nobody_elses_users(
    introspector, entity, server, tmp_path
):
    server.gate.clear()
    hung = [asyncio.create_task(introspector.ask(f"t{n}", entity)) for n in range(64)]
    assert await asyncio.to_thread(server.came.acquire, timeout=10)
    with IntrospectionServer(Issuer("https://other.example", "x"), Askers(basic=SECRET)) as other:
        terms = replace(entity.introspection, url=other.url)
        another = replace(entity, id="other", issuer="https://other.example", introspection=terms)
        async with asyncio.timeout(3):
            assert isinstance(await introspector.ask(a_token(other), another), AccessToken)
    assert not any(task.done() for task in hung)
    server.gate.set()
    await asyncio.gather(*hung)


@pytest.mark.req("S003-12")
async def test_a_server_that_is_too_slow_has_not_answered(introspector, entity, server, watch):
    server.gate.clear()
    hasty = changed(entity, timeout=timedelta(milliseconds=50))
    found = await introspector.ask(a_token(server), hasty)

    assert found.reason is Reason.INTROSPECTION_UNREACHABLE
    assert watch.introspections == [("waf", IntrospectionOutcome.UNREACHABLE, found.detail)]


BROKEN = {
    "an error": (500, b"{}"),
    "a redirect": (302, b"{}"),
    "no JSON": (200, b"<html>"),
    "a list": (200, b"[]"),
    "no word of it": (200, b"{}"),
    "a text for a boolean": (200, b'{"active": "false"}'),
    "two words": (200, b'{"active": true, "active": false}'),
    "too much": (200, json.dumps({"active": True, "x": "x" * BIG}).encode()),
}


@pytest.mark.parametrize(("status", "body"), BROKEN.values(), ids=BROKEN)
async def test_a_server_that_says_nothing_has_not_answered(
    introspector, entity, server, status, body
):
    server.status, server.body = status, body
    found = await introspector.ask(a_token(server), entity)

    assert found.reason is Reason.INTROSPECTION_UNREACHABLE


async def test_a_server_that_fails_again_and_again_is_left_alone_for_a_while(
    introspector, entity, server, clock
):
    server.status = 503
    for n in range(TOLERATED):
        await introspector.ask(f"t{n}", entity)

    assert introspector.look("more", entity).reason is Reason.INTROSPECTION_UNREACHABLE
    assert len(server.asked) == TOLERATED
    clock.advance(LONGEST_PAUSE.total_seconds())
    server.status = 200
    assert isinstance(await introspector.ask(a_token(server), entity), AccessToken)
    assert introspector.look("more", entity) is None


async def test_after_the_pause_one_attempt_decides(introspector, entity, server, clock):
    server.status = 503
    for n in range(TOLERATED):
        await introspector.ask(f"t{n}", entity)
    clock.advance(LONGEST_PAUSE.total_seconds())
    await asyncio.gather(*(introspector.ask(f"late{n}", entity) for n in range(10)))

    assert len(server.asked) == TOLERATED + 1


async def test_what_is_at_hand_outlives_the_server(introspector, entity, server):
    token = a_token(server)
    await introspector.ask(token, entity)
    server.status = 503
    for n in range(TOLERATED):
        await introspector.ask(f"t{n}", entity)

    assert isinstance(introspector.look(token, entity), AccessToken)


# --- Who is asking ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_server_that_refuses_us_is_no_fault_of_the_token(
    introspector, entity, server, watch, status
):
    server.status, server.body = status, b""
    found = await introspector.ask(a_token(server), entity)

    assert found.reason is Reason.INTROSPECTION_REFUSED
    assert watch.introspections == [("waf", IntrospectionOutcome.REFUSED, f"answered {status}")]


async def test_invalid_client_may_be_said_with_400(introspector, entity, server):
    server.status, server.body = 400, b'{"error":"invalid_client"}'

    assert (await introspector.ask("t", entity)).reason is Reason.INTROSPECTION_REFUSED


async def test_a_refusal_of_us_is_remembered_as_what_it_was(introspector, entity, server):
    server.askers.basic = "changed"
    for n in range(TOLERATED):
        await introspector.ask(f"t{n}", entity)

    assert introspector.look("more", entity).reason is Reason.INTROSPECTION_REFUSED
    assert server.refused == TOLERATED


async def test_without_our_secret_nobody_is_asked(clock, watch, tmp_path, entity, server):
    asking = Introspector(clock, watch, CredentialStore(tmp_path, {}))
    found = await asking.ask("t", entity)
    await asking.close()

    assert found == TokenFault(
        Reason.INTROSPECTION_REFUSED, "waf", f"there is no file {tmp_path}/waf", introspected=True
    )
    assert server.asked == []


async def test_a_new_secret_is_in_use_at_once(introspector, entity, server, tmp_path):
    server.askers.basic = "new"
    assert (await introspector.ask("t", entity)).reason is Reason.INTROSPECTION_REFUSED
    (tmp_path / "waf").write_text("new")

    assert isinstance(await introspector.ask(a_token(server), entity), AccessToken)
