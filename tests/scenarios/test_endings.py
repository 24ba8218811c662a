"""How registrations end, and what the core hears of it on behalf of a client that is gone."""

from __future__ import annotations

import asyncio
import json
import time

import msgspec
import pytest

from lab.deployment import Deployment, Wishes
from lab.scripted import Behaviour
from lab.subscribers import Subscription
from lab.udp import UdpAgent, User
from lab.wic import Closed
from tests.scenarios.test_terminate import along, path_of


GRACE = 2
MARGIN = 10
"Seconds that a registration ends before its token, as the lab's sidecar has it."


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """A deployment that does not wait long for clients that were lost."""
    wishes = Wishes(edge={"EPCSCF_GRACE": GRACE})
    with Deployment(tmp_path_factory.mktemp("brief"), wishes) as lab:
        yield lab


@pytest.fixture
def guest(brief, request):
    """A subscriber of this test alone."""
    name = f"guest-{abs(hash(request.node.name)) % 10**8}"
    user = Subscription(impi=f"{name}@ims.example", impus=(f"sip:{name}@ims.example",))
    brief.core.hss.provision(user)
    return user


def bearer_of(lab, user, **more):
    return lab.bearer("portal", user.impi, **more)


def goodbyes(lab, user, since=0):
    """De-registrations of *user* that the edge sent by itself."""
    return [
        message
        for message in lab.core.scscf.wire("REGISTER", since)
        if message.one("Call-ID").startswith("ep-goodbye-") and user.impus[0] in message.one("To")
    ]


@pytest.mark.req("SX-13")
@pytest.mark.parametrize("token", ["none", "the same", "dead"])
async def test_a_client_leaves_on_the_connection_that_it_came_on(lab, user, at_core, token):
    """SIP.js shows no token when it leaves; JsSIP the one it has, however old."""
    good = lab.bearer("portal", user.impi)
    dead = lab.bearer("portal", user.impi, exp=int(time.time()) - 3600)
    shown = {"none": None, "the same": good, "dead": dead}[token]
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, good)).status == 200
        assert (await wic.register(user.impu, shown, expires=0)).status == 200

        told = at_core(wic)[-1]
        assert 'integrity-protected="auth-done"' in told.one("Authorization")
        assert told.one("Expires") == "0"
        assert user.impi not in lab.core.hss.registrations()
        assert not lab.edge.stands(user.impu)


@pytest.mark.req("SX-13")
@pytest.mark.parametrize("status", [404, 481])
@pytest.mark.scripted_core
async def test_whom_the_core_does_not_know_leaves_all_the_same(
    lab, core_by_hand, impi_by_hand, status
):
    impu, bearer = f"sip:{impi_by_hand}", lab.bearer("portal", impi_by_hand)
    async with await lab.connect() as wic:
        asked = wic.register_request(impu, bearer)
        await wic.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])
        assert (await wic.answer(asked)).status == 200
        leaving = wic.register_request(impu, bearer, expires=0)
        await wic.send(leaving.to_bytes())
        core_by_hand.answer(await core_by_hand.receive(leaving), status, "Gone")

        assert (await wic.answer(leaving)).status == 200
        assert not lab.edge.stands(impu)


@pytest.mark.req("SX-8")
@pytest.mark.parametrize("ends", [True, False])
async def test_a_renewal_that_is_refused_for_good_ends_the_registration(lab, user, ends):
    """F20; what the core cannot do at the moment changes nothing."""
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        lab.core.scscf.script(
            user.impu, Behaviour.FORBID if ends else Behaviour.OVERLOADED, 0 if ends else 3
        )
        refused = await wic.register(user.impu, bearer)
        lab.core.scscf.unscript(user.impu)

        assert refused.status == (403 if ends else 500)
        assert lab.edge.stands(user.impu) is not ends
        assert wic.is_open


async def test_a_first_registration_that_is_refused_leaves_the_impi_free(lab, user):
    mine, theirs = lab.bearer("portal", user.impi), lab.bearer("portal", user.impi, sub="another")
    async with await lab.connect() as one, await lab.connect() as other:
        lab.core.scscf.script(user.impu, Behaviour.FORBID)
        assert (await one.register(user.impu, mine)).status == 403
        lab.core.scscf.unscript(user.impu)

        assert (await other.register(user.impu, theirs)).status == 200


@pytest.mark.req("SX-10")
async def test_a_lost_client_stands_for_a_while_and_is_deregistered_then(brief, guest):
    impu = guest.impus[0]
    wic = await brief.connect()
    assert (await wic.register(impu, bearer_of(brief, guest))).status == 200
    contact = f"sip:{wic.user}@{wic.host};transport=ws"
    lost_at = time.monotonic()
    await wic.abort()

    assert brief.edge.stands(impu)
    brief.edge.wait_until(lambda: not brief.edge.stands(impu), seconds=10, what="end of the grace")
    assert time.monotonic() - lost_at > GRACE
    brief.core.scscf.wait_until_gone(impu)
    (told,) = goodbyes(brief, guest)
    assert told.one("Contact") == f"<{contact}>;expires=0"
    assert 'integrity-protected="auth-done"' in told.one("Authorization")
    assert "icid-value=" in told.one("P-Charging-Vector")
    assert guest.impi not in brief.core.hss.registrations()
    ended = brief.sidecar.ctl("registrations", "list", "--impi", guest.impi, "--ended")
    assert "ended" in ended


async def lose(brief, guest, wic):
    """Break the connection of *wic*; return its number. Its grace is not over before the test."""
    (connection,) = brief.edge.connections_of(guest.impi)
    await wic.abort()
    brief.edge.wait_until(
        lambda: brief.edge.row("ep_lost", str(connection)) is not None, seconds=5, what="loss"
    )
    brief.edge.rpc("htable.setex", "ep_lost", str(connection), 600)
    return connection


async def terminated(brief, impu):
    words = ("registrations", "terminate", "--impu", impu, "--yes")
    await asyncio.to_thread(brief.sidecar.ctl, *words)
    brief.edge.wait_until(lambda: not brief.edge.stands(impu), seconds=5, what="end")


@pytest.mark.req("SX-9", "SX-10", "S003-25")
@pytest.mark.parametrize("rest", ["cut off as well", "waited for in vain"])
async def test_an_impi_is_free_once_nothing_of_a_lost_client_is_left(brief, guest, rest):
    one, other = guest.impus[0], f"sip:2-{guest.impi}"
    brief.core.hss.provision(msgspec.structs.replace(guest, impus=(one, other)))
    wic = await brief.connect()
    for impu in (one, other):
        bearer = bearer_of(brief, guest, impus=[one, other])
        assert (await wic.register(impu, bearer)).status == 200
    connection = await lose(brief, guest, wic)
    await terminated(brief, one)
    theirs = bearer_of(brief, guest, sub="somebody else")
    async with await brief.connect() as too_early:
        assert (await too_early.register(one, theirs)).status == 403
    if rest == "cut off as well":
        await terminated(brief, other)
    else:
        brief.edge.rpc("htable.setex", "ep_lost", str(connection), 1)
        brief.edge.wait_until(lambda: not brief.edge.stands(other), seconds=5, what="end")
    assert brief.edge.row("ep_lost", str(connection)) is None

    async with await brief.connect() as next_one:
        assert (await next_one.register(one, theirs)).status == 200


@pytest.mark.req("SX-10")
async def test_calls_to_a_lost_client_fail_while_it_is_waited_for(brief, guest):
    impu = guest.impus[0]
    wic = await brief.connect()
    assert (await wic.register(impu, bearer_of(brief, guest))).status == 200
    path = path_of(brief, User(guest.impi, impu))
    connection = await lose(brief, guest, wic)
    with UdpAgent() as core:
        call = along(core, path, wic.contact_uri, impu, "INVITE")
        door = ("127.0.0.1", brief.edge.plan.core_port)
        assert (await asyncio.to_thread(core.exchange, call, door)).status == 430
    assert brief.edge.stands(impu)
    assert brief.core.scscf.registered(impu)

    brief.edge.rpc("htable.setex", "ep_lost", str(connection), 1)
    brief.core.scscf.wait_until_gone(impu)


@pytest.mark.req("SX-10")
async def test_a_client_that_is_back_in_time_keeps_what_it_had(brief, guest):
    impu, bearer = guest.impus[0], bearer_of(brief, guest)
    old = await brief.connect()
    assert (await old.register(impu, bearer)).status == 200
    await old.abort()
    async with await brief.connect() as new:
        new.user, new.host, new._instance = old.user, old.host, old._instance
        assert (await new.register(impu, bearer)).status == 200
        brief.edge.wait_until(
            lambda: brief.edge.rows("ep_lost") == {}, seconds=10, what="end of the grace"
        )
        assert goodbyes(brief, guest) == []
        assert brief.core.scscf.registered(impu)
        assert (await new.register(impu, bearer)).status == 200


@pytest.mark.req("SX-8")
async def test_a_registration_ends_with_its_token(brief, guest):
    """The shortest that is accepted is a minute: so the clock of the row is turned instead."""
    impu = guest.impus[0]
    async with await brief.connect() as wic:
        bearer = bearer_of(brief, guest, exp=int(time.time()) + 60 + MARGIN + 60)
        assert (await wic.register(impu, bearer)).status == 200
        since = brief.core.scscf.mark()
        (key,) = (key for key in brief.edge.rows("ep_binding") if row_is_of(brief, key, guest))
        fields = str(brief.edge.row("ep_binding", key)).split("|")
        fields[4] = str(int(time.time()))
        brief.edge.rpc("htable.sets", "ep_binding", key, "|".join(fields))
        brief.edge.rpc("htable.setex", "ep_binding", key, 1)

        assert await wic.closed() == Closed(4001, "token expired")
        brief.core.scscf.wait_until_gone(impu)
        assert len(goodbyes(brief, guest, since)) == 1
        assert not brief.edge.stands(impu)


def row_is_of(lab, key, user):
    connection = key.partition("|")[0]
    return int(connection) in lab.edge.connections_of(user.impi)


@pytest.mark.req("SX-8")
async def test_what_the_core_refuses_to_end_ends_here_all_the_same(brief, guest):
    impu = guest.impus[0]
    wic = await brief.connect()
    assert (await wic.register(impu, bearer_of(brief, guest))).status == 200
    brief.core.scscf.script(impu, Behaviour.FORBID)
    since = brief.edge.log.mark()
    await wic.abort()
    brief.edge.log.wait_for(
        lambda line: "deregistration.refused status=403" in line or None,
        seconds=10,
        what="refusal",
        since=since,
    )
    brief.core.scscf.unscript(impu)
    assert not brief.edge.stands(impu)
    async with await brief.connect() as other:
        theirs = bearer_of(brief, guest, sub="another")
        assert (await other.register(impu, theirs)).status == 200


class Released:
    """Reads the events of a sidecar, each once, from the oldest on."""

    def __init__(self, lab):
        self._lab = lab
        self._cursor = "oldest"

    def next_of(self, impi):
        """Wait for the next event of an IMPI."""
        words = ("--output", "json", "events", "watch", "--count", "1", "--from")
        while True:
            lines = self._lab.sidecar.ctl(*words, self._cursor).splitlines()
            event = json.loads(lines[-1])
            self._cursor = event["cursor"]
            if event["impi"] == impi:
                return event


@pytest.fixture(scope="module")
def released(brief):
    """The events of the deployment."""
    return Released(brief)


def end_row(lab, guest, **fields):
    """Let a registration end in a second, with these fields of its row changed."""
    (key,) = (key for key in lab.edge.rows("ep_binding") if row_is_of(lab, key, guest))
    row = str(lab.edge.row("ep_binding", key)).split("|")
    if "last" in fields:
        row[4] = fields["last"]
    lab.edge.rpc("htable.sets", "ep_binding", key, "|".join(row))
    lab.edge.rpc("htable.setex", "ep_binding", key, 1)


async def leave(lab, guest, wic):
    assert (await wic.register(guest.impus[0], None, expires=0)).status == 200


async def vanish(lab, guest, wic):
    await wic.abort()


async def let_expire(lab, guest, wic):
    end_row(lab, guest)


async def outlive_the_token(lab, guest, wic):
    end_row(lab, guest, last=str(int(time.time())))


async def be_ended_by_the_network(lab, guest, wic):
    rows = lab.edge.rows
    lab.edge.wait_until(
        lambda: f"i/{lab.edge.coded(guest.impi)}" in rows("ep_subscription"),
        seconds=5,
        what="subscription",
    )
    lab.core.scscf.deregister(guest.impus[0])


async def be_terminated(lab, guest, wic):
    words = ("registrations", "terminate", "--impi", guest.impi, "--yes")
    await asyncio.to_thread(lab.sidecar.ctl, *words)


async def be_revoked(lab, guest, wic):
    words = ("revocations", "create", "--impi", guest.impi)
    await asyncio.to_thread(lab.sidecar.ctl, *words)


ENDS = {
    "client": leave,
    "connection_lost": vanish,
    "expired": let_expire,
    "token_expired": outlive_the_token,
    "network": be_ended_by_the_network,
    "ordered": be_terminated,
    "ordered, token revoked": be_revoked,
}


@pytest.mark.req("S003-3", "SX-8", "SX-9", "SX-11")
@pytest.mark.parametrize("cause", ENDS)
async def test_whatever_ends_a_registration_the_identity_is_released(
    brief, guest, released, cause
):
    impu = guest.impus[0]
    wic = await brief.connect()
    assert (await wic.register(impu, bearer_of(brief, guest))).status == 200
    await ENDS[cause](brief, guest, wic)
    event = await asyncio.to_thread(released.next_of, guest.impi)

    told = {name: event[name] for name in ("impi", "impu", "wwsf", "cause")}
    assert told == {
        "impi": guest.impi,
        "impu": impu,
        "wwsf": "wwsfs/portal",
        "cause": cause.partition(",")[0],
    }
    # whose token is revoked cannot be back
    may_return = cause != "ordered, token revoked"
    assert ("may_return_until" in event) is may_return
    assert not brief.edge.stands(impu)
    await wic.close()
