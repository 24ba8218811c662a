"""Opaque tokens at the real edge: their issuer is asked, and nobody waits who need not."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time

import pytest

from lab.deployment import Deployment
from lab.introspection import CLIENT_ID, Askers, IntrospectionServer
from lab.waiting import wait_until
from lab.wic import Closed


SECRET = "known to the partner and to us"
ALICE = "sip:alice@ims.example"
BOB, BOB_IMPI = "sip:bob@ims.example", "bob@ims.example"
TTL = 2
FAST = 40
"Users whose tokens need no answer."

ASKED = """
[authorization_entities.partner.introspection]
url = "{url}"
client_id = "{client_id}"
credential = "partner"
ttl_seconds = {ttl}
negative_ttl_seconds = 1
timeout_seconds = {timeout}
"""


class Asking:
    """A deployment whose partner is asked about opaque tokens."""

    def __init__(self, lab, server):
        self.lab = lab
        self.server = server

    def apply(self, timeout=2, ttl=TTL):
        terms = {"url": self.server.url, "client_id": CLIENT_ID, "ttl": ttl, "timeout": timeout}
        self.lab.apply(self.lab.policy() + ASKED.format(**terms))

    @contextlib.contextmanager
    def otherwise(self, **terms):
        """Ask on other terms for a while."""
        self.apply(**terms)
        yield
        self.apply()

    async def ctl(self, *words):
        return await asyncio.to_thread(self.lab.sidecar.ctl_json, *words)

    def bearer(self, impi="alice@ims.example", **more):
        return f"Bearer {self.server.token(impi, **more)}"

    async def connect(self):
        return await self.lab.connect("partner")

    def alarms(self):
        return self.lab.sidecar.events("introspection.refused")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("introspection")
    with Deployment(run_dir) as lab:
        (lab.sidecar.credentials / "partner").write_text(SECRET)
        askers = Askers(basic=SECRET)
        with IntrospectionServer(lab.issuers["partner"], askers) as server:
            asking = Asking(lab, server)
            asking.apply()
            yield asking
        logs = "".join(path.read_text() for path in run_dir.rglob("log"))
        assert [token for token in lab.issuers["partner"].issued if token in logs] == []
        assert SECRET not in logs


@pytest.fixture
def asking(running):
    """The deployment, and afterwards a server that is well again."""
    yield running
    server = running.server
    server.status, server.body, server.askers.basic = 200, None, SECRET
    server.gate.set()


@pytest.mark.req("S002-3", "S004-11", "S003-12", "SX-23")
async def test_an_opaque_token_registers_and_is_asked_about_once(asking):
    bearer, mark = asking.bearer(), len(asking.server.asked)
    async with await asking.connect() as wic:
        assert (await wic.register(ALICE, bearer)).status == 200
        assert (await wic.register(ALICE, bearer)).status == 200

    assert len(asking.server.asked) == mark + 1
    assert asking.lab.sidecar.events("register.decided")[-1]["entity"] == "partner"


@pytest.mark.req("S002-3", "S004-11")
async def test_a_token_that_is_not_active_is_refused(asking):
    async with await asking.connect() as wic:
        reply = await wic.register(ALICE, "Bearer nobody-has-issued-this")

        assert reply.status == 401
        assert 'error="invalid_token"' in reply.one("WWW-Authenticate")
        assert await wic.closed() == Closed(1008, "policy violation")


@pytest.mark.req("S002-4")
async def test_a_token_without_a_mapping_registers_nobody(asking):
    async with await asking.connect() as wic:
        reply = await wic.register(ALICE, asking.bearer(ims_impi=None, ims_impu=None))

        assert reply.status == 403
        assert (await wic.closed()).code == 1008


@pytest.mark.req("S002-3", "S003-12", "S004-11")
async def test_without_an_answer_nobody_is_registered_and_nobody_cut_off(asking):
    bearer = asking.bearer()
    asking.server.status = 503
    async with await asking.connect() as wic:
        assert (await wic.register(ALICE, bearer)).status == 504
        asking.server.status = 200
        assert (await wic.register(ALICE, bearer)).status == 200


@pytest.mark.req("S002-3", "S003-12", "S004-11")
async def test_a_server_that_hangs_is_not_waited_for_longer_than_said(asking):
    asking.server.gate.clear()
    async with await asking.connect() as wic:
        began = time.monotonic()
        reply = await wic.register(ALICE, asking.bearer())

        assert reply.status == 504
        assert 2 <= time.monotonic() - began < 6


@pytest.mark.req("S002-3", "S004-11")
async def test_a_server_that_refuses_us_raises_an_alarm(asking):
    bearer, mark = asking.bearer(), len(asking.alarms())
    asking.server.askers.basic = "changed without telling us"
    async with await asking.connect() as wic:
        assert (await wic.register(ALICE, bearer)).status == 500
        asking.server.askers.basic = SECRET
        assert (await wic.register(ALICE, bearer)).status == 200

    (alarm,) = asking.alarms()[mark:]
    assert (alarm["level"], alarm["entity"]) == ("error", "partner")


@pytest.mark.req("S002-7")
async def test_a_verdict_holds_no_longer_than_the_word_it_rests_on(asking):
    token = asking.server.token()
    async with await asking.connect() as wic:
        assert (await wic.register(ALICE, f"Bearer {token}")).status == 200
        asking.server.revoke(token)
        assert (await wic.register(ALICE, f"Bearer {token}")).status == 200
        over = time.monotonic() + TTL + 1
        await asyncio.to_thread(
            wait_until, lambda: time.monotonic() > over, seconds=2 * TTL, what="end of the word"
        )

        assert (await wic.register(ALICE, f"Bearer {token}")).status == 401


@pytest.mark.req("S002-7")
async def test_a_revocation_ends_what_was_at_hand(asking):
    jti, mark = secrets.token_hex(8), len(asking.server.asked)
    bearer = asking.bearer(jti=jti)
    with asking.otherwise(ttl=600):
        async with await asking.connect() as wic:
            assert (await wic.register(ALICE, bearer)).status == 200
            await asking.ctl("revocations", "create", "--jti", jti, "--entity", "partner")
            await wic.closed()
        async with await asking.connect() as wic:
            assert (await wic.register(ALICE, bearer)).status == 401

    assert asking.lab.sidecar.events("register.decided")[-1]["reason"] == "token_revoked"
    assert len(asking.server.asked) == mark + 2


@pytest.mark.req("S002-3", "S003-12")
async def test_a_slow_answer_holds_up_nobody_else(asking):
    asking.server.gate.clear()
    lab = asking.lab
    async with contextlib.AsyncExitStack() as open_:
        open_.enter_context(asking.otherwise(timeout=7))
        slow = await open_.enter_async_context(await asking.connect())
        fast = [await open_.enter_async_context(await lab.connect()) for _ in range(FAST)]
        bearers = [lab.bearer("portal", f"user{number}@ims.example") for number in range(FAST)]
        waiting = asyncio.create_task(slow.register(BOB, asking.bearer(BOB_IMPI)))
        replies = await asyncio.gather(
            *(
                wic.register(f"sip:user{number}@ims.example", bearer)
                for number, (wic, bearer) in enumerate(zip(fast, bearers, strict=True))
            )
        )

        assert {reply.status for reply in replies} == {200}
        assert not waiting.done()
        asking.server.gate.set()
        assert (await waiting).status == 200
