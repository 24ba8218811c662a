"""Identities of a range that the core knows by configuration are registered at the edge."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from lab.deployment import Deployment, Wishes
from lab.wic import Closed, Wic
from tests.scenarios.provisioning import provide


ORIGIN = "https://hotel.example"
ROOM = "sip:room12@ims.example"
CUT = Closed(1008, "policy violation")

POLICY = """
[wwsfs.hotel]
origins = ["https://hotel.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["hotel.example"]
ranges = [
    { range = "sip:room!.*!@ims.example", enabled = true },
    { range = "tel:+4940!.*!", enabled = true },
    { range = "sip:suite!.*!@ims.example", enabled = false },
]
"""


@pytest.fixture(scope="module")
def hotel(tmp_path_factory):
    """A deployment with a hotel, for whose guests the WAF of the operator vouches."""
    with Deployment(
        tmp_path_factory.mktemp("hotel"), Wishes(edge={"EPCSCF_GRACE": 2})
    ) as deployment:
        provide(deployment, POLICY)
        yield deployment


def bearer(lab, impu=ROOM, impi="guest1@hotel.example", **more):
    token = lab.issuers["portal"].token(impi, [impu], client_id="hotel", **more)
    return f"Bearer {token}"


async def connect(lab):
    return await Wic.connect(lab.url, origin=ORIGIN, ssl=lab.trust())


@pytest.mark.req("S001-25", "S001-27", "S001-28")
async def test_a_guest_registers_at_the_edge_and_the_core_hears_nothing(hotel):
    commands, mark = len(hotel.core.hss.commands()), hotel.core.scscf.mark()
    async with await connect(hotel) as wic:
        reply = await wic.register(ROOM, bearer(hotel))
        bindings = hotel.edge.rpc("ul.dump")

        assert reply.status == 200
        assert reply.one("P-Associated-URI") == f"<{ROOM}>"
        assert reply.one("Service-Route") == "<sip:orig@epcscf1.ims.example;lr>"
        assert reply.one("Date").endswith(" GMT")
        assert ";tag=" in reply.one("To")
        assert f"{wic.user}@{wic.host}" in reply.one("Contact")
        assert "expires=600" in reply.one("Contact")
        assert "room12@ims.example" in str(bindings)
    assert len(hotel.core.hss.commands()) == commands
    assert hotel.core.scscf.wire(since=mark) == []


@pytest.mark.req("S001-28")
async def test_the_registration_is_capped_by_the_life_of_the_token(hotel):
    impu = "sip:room13@ims.example"
    token = bearer(hotel, impu, "guest13@hotel.example", exp=int(time.time()) + 305)
    async with await connect(hotel) as wic:
        reply = await wic.register(impu, token)
        granted = int(reply.one("Contact").rpartition("expires=")[2])

    assert reply.status == 200
    assert 250 <= granted <= 300


@pytest.mark.req("S001-28")
async def test_too_short_a_registration_is_423(hotel):
    impu = "sip:room14@ims.example"
    token = bearer(hotel, impu, "guest14@hotel.example")
    async with await connect(hotel) as wic:
        reply = await wic.register(impu, token, expires=5)

        assert (reply.status, reply.one("Min-Expires")) == (423, "60")
        assert (await wic.register(impu, token)).status == 200


@pytest.mark.req("S001-30")
async def test_the_guest_refreshes_and_leaves(hotel):
    impu = "sip:room15@ims.example"
    token = bearer(hotel, impu, "guest15@hotel.example")
    async with await connect(hotel) as wic:
        assert (await wic.register(impu, token)).status == 200
        judged = len(hotel.sidecar.events("register.decided"))
        assert (await wic.register(impu, token)).status == 200
        assert len(hotel.sidecar.events("register.decided")) == judged
        reply = await wic.register(impu, token, expires=0)

        assert reply.status == 200
        assert "room15" not in str(hotel.edge.rpc("ul.dump"))
        assert not [row for row in hotel.edge.rows("ep_holder") if "guest15" in row]


@pytest.mark.req("S001-30")
@pytest.mark.parametrize("how", ["Expires: 0", "no token", "star"])
async def test_a_guest_leaves_in_any_way_and_may_do_so_twice(hotel, how):
    name = {"Expires: 0": "room21", "no token": "room22", "star": "room23"}[how]
    impu = f"sip:{name}@ims.example"
    token = bearer(hotel, impu, f"guest{name}@hotel.example")
    async with await connect(hotel) as wic, await connect(hotel) as other:
        for each in (wic, other):
            assert (await each.register(impu, token)).status == 200
        shown = None if how == "no token" else token
        contact = "*" if how == "star" else None
        request = wic.register_request(impu, shown, contact=contact, expires=0)
        assert (await wic.ask(request)).status == 200
        left = {"star": 0}.get(how, 1)
        hotel.edge.wait_until(
            lambda: len([each for each in hotel.edge.standing() if each[1] == impu]) == left,
            seconds=5,
            what="end",
        )
        assert str(hotel.edge.rpc("ul.dump")).count(f"{wic.user}@") == 0
        # RFC 3261 10.3: what is not there can be taken away
        assert (await wic.register(impu, token, expires=0)).status == 200


@pytest.mark.req("S001-30")
async def test_whoever_leaves_as_soon_as_he_is_answered_leaves_nothing_behind(hotel):
    """The 200 comes from one process, and what follows it on the connection goes to another."""

    for number in range(400, 420):
        impu = f"sip:room{number}@ims.example"
        token = bearer(hotel, impu, f"guest{number}@hotel.example")
        async with await connect(hotel) as wic:
            for shown, expires in ((token, 600), (None, 0)):
                assert (await wic.register(impu, shown, expires=expires)).status == 200
            assert impu not in {each for _, each in hotel.edge.standing()}


@pytest.mark.req("S001-30", "SX-5")
async def test_a_guest_who_is_back_over_another_connection_is_still_reached(hotel):
    impu = "sip:room24@ims.example"
    token = bearer(hotel, impu, "guest24@hotel.example")
    old = await connect(hotel)
    assert (await old.register(impu, token)).status == 200
    await old.abort()
    async with await connect(hotel) as new:
        new.user, new.host, new._instance = old.user, old.host, old._instance
        for _ in range(2):
            assert (await new.register(impu, token)).status == 200
            assert str(hotel.edge.rpc("ul.dump")).count(f"{new.user}@") == 1
    # the same device with another contact
    async with await connect(hotel) as newer:
        newer._instance = new._instance
        assert (await newer.register(impu, token)).status == 200
        there = str(hotel.edge.rpc("ul.dump"))
        assert (there.count(f"{new.user}@"), there.count(f"{newer.user}@")) == (0, 1)


@pytest.mark.req("S001-30", "SX-14")
async def test_a_star_with_a_life_is_refused(hotel):
    impu = "sip:room24@ims.example"
    token = bearer(hotel, impu, "guest24@hotel.example")
    async with await connect(hotel) as wic:
        request = wic.register_request(impu, token, contact="*", expires=60)

        assert (await wic.ask(request)).status == 400


@pytest.mark.req("S001-31")
@pytest.mark.parametrize("how", ["contact", "leaving", "star"])
async def test_a_room_is_one_guest_s_by_whatever_impi(hotel, how):
    """No HSS says here which IMPI goes with which IMPU, so the registrar does."""
    name = {"contact": "room31", "leaving": "room32", "star": "room33"}[how]
    impu = f"sip:{name}@ims.example"
    hers, his = (bearer(hotel, impu, f"{who}-{name}@hotel.example") for who in ("ann", "ben"))
    async with await connect(hotel) as ann, await connect(hotel) as ben:
        assert (await ann.register(impu, hers)).status == 200
        contact, expires = {"star": ("*", 0), "leaving": (None, 0)}.get(how, (None, 600))
        request = ben.register_request(impu, his, contact=contact, expires=expires)
        refused = await ben.ask(request)

        assert (refused.status, refused.all("P-Associated-URI")) == (403, ())
        assert await ben.closed() == CUT
        assert f"sip:{ann.user}@" in str(hotel.edge.rpc("ul.dump"))
        assert (await ann.register(impu, hers)).status == 200
        assert (await ann.register(impu, hers, expires=0)).status == 200
    async with await connect(hotel) as ben:
        assert (await ben.register(impu, his)).status == 200


@pytest.mark.req("S001-31")
async def test_of_two_who_want_a_room_at_once_one_gets_it(hotel):
    impu = "sip:room34@ims.example"
    tokens = [bearer(hotel, impu, f"guest{n}-34@hotel.example") for n in range(6)]
    async with contextlib.AsyncExitStack() as opened:
        wics = [await opened.enter_async_context(await connect(hotel)) for _ in tokens]
        replies = await asyncio.gather(
            *(wic.register(impu, token) for wic, token in zip(wics, tokens, strict=True))
        )

        assert sorted(reply.status for reply in replies) == [200] + [403] * 5
        assert str(hotel.edge.rpc("ul.dump")).count(f"'AoR': '{impu.removeprefix('sip:')}'") == 1
        assert len([each for each in hotel.edge.standing() if each[1] == impu]) == 1


@pytest.mark.req("S001-31")
async def test_several_devices_of_one_guest(hotel):
    impu, impi = "sip:room16@ims.example", "guest16@hotel.example"
    async with await connect(hotel) as one, await connect(hotel) as other:
        assert (await one.register(impu, bearer(hotel, impu, impi))).status == 200
        reply = await other.register(impu, bearer(hotel, impu, impi))

        assert reply.status == 200
        assert f"{one.user}@" in str(reply)
        assert f"{other.user}@" in str(reply)


@pytest.mark.req("S001-31")
async def test_another_user_does_not_get_an_impi_that_is_held(hotel):
    impu, impi = "sip:room17@ims.example", "guest17@hotel.example"
    async with await connect(hotel) as one, await connect(hotel) as other:
        assert (await one.register(impu, bearer(hotel, impu, impi, sub="ann"))).status == 200
        assert (await other.register(impu, bearer(hotel, impu, impi, sub="ben"))).status == 403
        assert await other.closed() == CUT
        assert (await one.register(impu, bearer(hotel, impu, impi, sub="ann"))).status == 200


async def test_an_impi_is_free_when_its_holder_is_gone(hotel):
    impu, impi = "sip:room18@ims.example", "guest18@hotel.example"
    one = await connect(hotel)
    assert (await one.register(impu, bearer(hotel, impu, impi, sub="ann"))).status == 200
    async with await connect(hotel) as other:
        await one.abort()
        # who was cut off may come back for a while
        assert (await other.register(impu, bearer(hotel, impu, impi, sub="ben"))).status == 403
    hotel.edge.wait_until(
        lambda: hotel.edge.rows("ep_lost") == {}, seconds=10, what="end of the grace period"
    )
    async with await connect(hotel) as other:
        assert (await other.register(impu, bearer(hotel, impu, impi, sub="ben"))).status == 200


async def test_a_number_leaves_the_registrar_when_its_holder_is_gone(hotel):
    wic = await connect(hotel)
    token = bearer(hotel, "tel:+494018", "guest40@hotel.example")
    assert (await wic.register("tel:+49-40-18", token)).status == 200
    assert f"sip:{wic.user}@" in str(hotel.edge.rpc("ul.dump"))
    await wic.abort()
    hotel.edge.wait_until(
        lambda: f"sip:{wic.user}@" not in str(hotel.edge.rpc("ul.dump")),
        seconds=10,
        what="end of the registration",
    )


@pytest.mark.req("S001-27", "S001-29", "S003-10")
@pytest.mark.parametrize(
    ("impu", "impi"),
    [
        ("sip:suite1@ims.example", "guest2@hotel.example"),
        (ROOM, "alice@ims.example"),
    ],
    ids=["range not enabled", "IMPI of another form"],
)
async def test_what_is_not_the_hotels_is_forbidden(hotel, impu, impi):
    async with await connect(hotel) as wic:
        assert (await wic.register(impu, bearer(hotel, impu, impi))).status == 403
        assert await wic.closed() == CUT


@pytest.mark.req("S001-27")
async def test_a_room_is_foreign_to_other_wwsfs(hotel):
    async with await hotel.connect("portal") as wic:
        token = hotel.bearer("portal", "alice@ims.example", impus=[ROOM])

        assert (await wic.register(ROOM, token)).status == 403
        assert await wic.closed() == CUT
