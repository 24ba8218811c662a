"""A member of a static range renews: what is like the time before is told by one look."""

from __future__ import annotations

import time

import pytest

from lab.deployment import Deployment, Wishes
from lab.wic import Closed, Wic
from tests.scenarios.provisioning import provide


ORIGIN = "https://inn.example"
CUT = Closed(1008, "policy violation")
POLICY = """
[wwsfs.inn]
origins = ["https://inn.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["inn.example"]
ranges = [{ range = "sip:bed!.*!@ims.example", enabled = true }]
"""
REMEMBERED = ("ep_renewal", "ep_renewed")


@pytest.fixture(scope="module")
def inn(tmp_path_factory):
    """A deployment with an inn, for whose guests the WAF of the operator vouches."""
    wishes = Wishes(edge={"EPCSCF_GRACE": 1})
    with Deployment(tmp_path_factory.mktemp("inn"), wishes) as deployment:
        provide(deployment, POLICY)
        yield deployment


def bed(number):
    return f"sip:bed{number}@ims.example"


def bearer(lab, impu, **more):
    impi = f"{impu.partition(':')[2].partition('@')[0]}@inn.example"
    token = lab.issuers["portal"].token(impi, [impu], client_id="inn", **more)
    return f"Bearer {token}"


async def connect(lab):
    return await Wic.connect(lab.url, origin=ORIGIN, ssl=lab.trust())


def lives(reply):
    """Tell what the 200 grants, by Contact."""
    contacts = (each.rpartition(";expires=") for each in reply.all("Contact"))
    return {uri.strip("<>"): int(life) for uri, _, life in contacts}


def saved(lab, wic):
    """Give the CSeq of the REGISTER by which the registrar has the contact of *wic*."""
    domains = lab.edge.rpc("ul.dump")["Domains"]
    found = [
        contact["Contact"]["CSeq"]
        for domain in domains
        for aor in domain["Domain"]["AoRs"]
        for contact in aor["Info"]["Contacts"]
        if f"{wic.user}@" in contact["Contact"]["Address"]
    ]
    assert len(found) == 1
    return int(found[0])


@pytest.mark.req("S001-28", "S001-30")
async def test_what_is_like_the_time_before_is_answered_alike(inn):
    impu = bed(1)
    token = bearer(inn, impu)
    async with await connect(inn) as wic:
        first = await wic.register(impu, token)
        began = saved(inn, wic)
        again = [await wic.register(impu, token) for _ in range(3)]

        for name in ("P-Associated-URI", "Service-Route", "Contact"):
            assert {reply.all(name) for reply in again} == {first.all(name)}
        assert {reply.status for reply in again} == {200}
        assert list(lives(first).values()) == [600]
        # the registrar has not been asked
        assert saved(inn, wic) == began


@pytest.mark.req("S001-28", "S001-30")
async def test_a_client_that_wants_another_life_gets_it(inn):
    impu = bed(2)
    token = bearer(inn, impu)
    async with await connect(inn) as wic:
        for asked in (600, 600, 300, 300, 600, 600):
            assert list(lives(await wic.register(impu, token, expires=asked)).values()) == [asked]


@pytest.mark.req("S001-30", "SX-7")
async def test_a_renewal_does_not_outlive_the_token(inn):
    impu = bed(3)
    token = bearer(inn, impu)
    async with await connect(inn) as wic:
        assert list(lives(await wic.register(impu, token)).values()) == [600]
        # as if the token were about to die
        (key,) = (key for key in inn.edge.rows("ep_verdict") if key.endswith(f"|{impu}"))
        fields = str(inn.edge.row("ep_verdict", key)).split("|")
        fields[4] = str(int(time.time()) + 300)
        inn.edge.rpc("htable.sets", "ep_verdict", key, "|".join(fields))
        (granted,) = lives(await wic.register(impu, token)).values()

        assert 250 < granted <= 300


@pytest.mark.req("S001-30")
async def test_the_last_token_decides_what_a_renewal_is(inn):
    impu = bed(9)
    lasting = bearer(inn, impu)
    brief = bearer(inn, impu, exp=int(time.time()) + 300)
    async with await connect(inn) as wic:
        for _ in range(2):
            assert list(lives(await wic.register(impu, lasting)).values()) == [600]
        assert max(lives(await wic.register(impu, brief)).values()) <= 300
        assert not [row for row in inn.edge.rows("ep_renewal") if "bed9@" in row]
        assert list(lives(await wic.register(impu, lasting)).values()) == [600]


@pytest.mark.req("S001-31")
async def test_every_device_is_told_of_all_with_what_is_left_of_each(inn):
    impu = bed(4)
    token = bearer(inn, impu)
    async with await connect(inn) as one, await connect(inn) as other:
        assert (await one.register(impu, token, expires=300)).status == 200
        for _ in range(2):
            told = lives(await other.register(impu, token))

            assert {uri.partition("@")[0].removeprefix("sip:") for uri in told} == {
                one.user,
                other.user,
            }
            assert max(told.values()) == 600
            assert 280 < min(told.values()) <= 300


@pytest.mark.req("S001-18", "S001-33")
@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("From: <sip:bed99@ims.example>;tag=1", 403),
        ("Require: gin", 403),
        ("Proxy-Require: tea", 420),
    ],
)
async def test_what_is_not_allowed_is_not_allowed_in_a_renewal(inn, header, status):
    impu = bed(5)
    token = bearer(inn, impu)
    async with await connect(inn) as wic:
        for _ in range(2):
            assert (await wic.register(impu, token)).status == 200
        request = wic.register_request(impu, token).without(header.partition(":")[0])

        assert (await wic.ask(request.plus(header))).status == status


@pytest.mark.req("S001-30", "S001-31")
async def test_whoever_has_left_is_forgotten(inn):
    impu = bed(6)
    hers, his = (bearer(inn, impu, sub=who) for who in ("ann", "ben"))
    async with await connect(inn) as wic:
        for expires in (600, 600, 0):
            assert (await wic.register(impu, hers, expires=expires)).status == 200
        for table in REMEMBERED:
            assert not [row for row in inn.edge.rows(table).items() if "bed6@" in str(row)]
        # over the same connection, by the same Contact
        assert (await wic.register(impu, his)).status == 200
        assert (await wic.register(impu, hers)).status == 403
        assert await wic.closed() == CUT


@pytest.mark.req("SX-10")
async def test_whose_connection_was_lost_is_forgotten(inn):
    impu = bed(7)
    wic = await connect(inn)
    for _ in range(2):
        assert (await wic.register(impu, bearer(inn, impu))).status == 200
    await wic.abort()
    inn.edge.wait_until(
        lambda: not any("bed7@" in str(inn.edge.rows(table)) for table in REMEMBERED),
        seconds=10,
        what="end of the grace period",
    )


@pytest.mark.req("S000-27")
async def test_whoever_renews_after_an_edit_of_the_wwsf_is_judged_anew(inn):
    impu = bed(8)
    token = bearer(inn, impu)
    async with await connect(inn) as wic:
        for _ in range(2):
            assert (await wic.register(impu, token)).status == 200
        judged, before = len(inn.sidecar.events("register.decided")), inn.edge.rows("ep_stamp")
        inn.apply(POLICY.replace('"]', '", "https://annex.example"]', 1))
        inn.edge.wait_until(
            lambda: len(inn.edge.rows("ep_stamp").keys() - before) == 1,
            seconds=5,
            what="another stamp",
        )

        assert (await wic.register(impu, token)).status == 200
    assert len(inn.sidecar.events("register.decided")) == judged + 1
