"""Whose an identity is, and where its token comes from, decide how a REGISTER ends.

Each row of the table that the domain's vectors spell out is shown once on the real parts:
registered here, taken to the core with or without the name of the authorization entity
(TS 33.203 X.3.2.3 step 5.2, X.4.2.3 step 5.2), or refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lab.deployment import ORIGINS, PARTNERS, SUBSCRIPTIONS, Deployment, Wishes
from lab.digest import auth_parameters
from lab.subscribers import Subscription
from lab.udp import UdpAgent
from lab.wic import Closed, Wic
from tests.scenarios.core_by_hand import DOMAIN, CoreByHand
from tests.scenarios.provisioning import provide


CUT = Closed(1008, "policy violation")

POLICY = f"""
[wwsfs.shop]
origins = ["https://shop.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["shop.example", "{DOMAIN}"]

[wwsfs.hall]
origins = ["https://hall.example"]
authorization_entities = ["waf"]
ranges = [
    {{ range = "sip:seat!.*!@ims.example", enabled = true }},
    {{ range = "sip:box!.*!@ims.example", enabled = false }},
]

[wwsfs.arena]
origins = ["https://arena.example"]
authorization_entities = ["partner"]
ranges = [{{ range = "sip:stand!.*!@ims.example", enabled = true }}]

[wwsfs.careful]
origins = ["https://careful.example"]
authorization_entities = ["partner"]
proof_required = true

[subscriptions."vip@ims.example"]
impus = ["sip:seat-vip@ims.example"]
wwsfs = ["hall"]

[subscriptions."known@ims.example"]
impus = ["sip:known@ims.example"]
wwsfs = ["partner", "careful"]
"""

KNOWN = {"portal": "waf", "partner": "waf.partner.example", "socialnet": "waf.socialnet.example"}
SIGNS = {"shop": "portal", "hall": "portal", "arena": "partner", "careful": "partner"}


@dataclass(frozen=True)
class Row:
    """One REGISTER, and how it ends: `here`, `refused`, or the entity that the core hears of."""

    wwsf: str
    impi: str
    impu: str
    ending: str | None


ROWS = {
    "another's range": Row("portal", "alice@ims.example", "sip:seat1@ims.example", "refused"),
    "another's pool": Row("partner", "u1@shop.example", "sip:u1@ims.example", "refused"),
    "another's subscriber": Row("shop", "known@ims.example", "sip:known@ims.example", "refused"),
    "range, operator": Row("hall", "u2@hall.example", "sip:seat2@ims.example", "here"),
    "range, third party": Row("arena", "u3@arena.example", "sip:stand3@ims.example", "here"),
    "range, not enabled": Row("hall", "u4@hall.example", "sip:box4@ims.example", "refused"),
    "outside all ranges": Row("arena", "u5@arena.example", "sip:u5@ims.example", "refused"),
    "individual, operator, proven": Row(
        "hall", "vip@ims.example", "sip:seat-vip@ims.example", None
    ),
    "individual, operator, unproven": Row(
        "portal", "bob@ims.example", "sip:bob@ims.example", None
    ),
    "pool, operator, proven": Row("shop", "u1@shop.example", "sip:u1@ims.example", None),
    "pool, operator, unproven": Row("shop", "carol@ims.example", "sip:carol@ims.example", None),
    "individual, third party, proven": Row(
        "partner", "known@ims.example", "sip:known@ims.example", "waf.partner.example"
    ),
    "individual, third party, unproven": Row(
        "partner", "user1@ims.example", "sip:user1@ims.example", "waf.partner.example"
    ),
    "pool, third party, proven": Row(
        "socialnet", "guest1@socialnet.example", "sip:guest1@ims.example", None
    ),
    "pool, third party, unproven": Row(
        "socialnet", "guest2@ims.example", "sip:guest2@ims.example", "waf.socialnet.example"
    ),
    "proof demanded, proven": Row(
        "careful", "known@ims.example", "sip:known@ims.example", "waf.partner.example"
    ),
    "proof demanded, unproven": Row(
        "careful", "user2@ims.example", "sip:user2@ims.example", "refused"
    ),
}


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A deployment with a WWSF of each kind, and the core of a second home domain by hand."""
    known = [
        Subscription(impi=impi, impus=(impu,), wafs=PARTNERS)
        for impi, impu in (
            ("vip@ims.example", "sip:seat-vip@ims.example"),
            ("known@ims.example", "sip:known@ims.example"),
            ("u1@shop.example", "sip:u1@ims.example"),
        )
    ]
    wishes = Wishes(subscriptions=[*SUBSCRIPTIONS, *known], edge={"EPCSCF_GRACE": 1})
    with Deployment(tmp_path_factory.mktemp("market"), wishes) as lab:
        provide(lab, POLICY)
        yield lab


@pytest.fixture
async def register(market):
    """Register over a page of a WWSF; return the answer, the end, and what the core heard."""
    # a token's subject holds an IMPI until it is free again
    market.edge.wait_until(
        lambda: market.edge.rows("ep_holder") == {}, seconds=10, what="end of registrations"
    )

    async def attempt(row):
        mark = market.core.scscf.mark()
        signs = SIGNS.get(row.wwsf, row.wwsf)
        origin = ORIGINS.get(row.wwsf, f"https://{row.wwsf}.example")
        bearer = market.bearer(signs, row.impi, impus=[row.impu], client_id=row.wwsf)
        async with await Wic.connect(market.url, origin=origin, ssl=market.trust()) as wic:
            reply = await wic.register(row.impu, bearer)
            closed = await wic.closed() if reply.status == 403 else None
            if reply.status == 200:
                assert (await wic.register(row.impu, bearer, expires=0)).status == 200
        heard = market.core.scscf.wire("REGISTER", mark)
        return reply, closed, [each for each in heard if each.one("Call-ID") == wic.call_id]

    return attempt


@pytest.mark.req("S000-10", "S000-11", "S000-12", "S001-27", "S003-10", "S003-24")
@pytest.mark.parametrize("name", ROWS)
async def test_issuer_and_ownership_decide(register, name):
    row = ROWS[name]
    reply, closed, heard = await register(row)

    if row.ending == "refused":
        assert (reply.status, reply.all("WWW-Authenticate"), closed, heard) == (403, (), CUT, [])
    elif row.ending == "here":
        assert (reply.status, heard) == (200, [])
        assert reply.one("P-Associated-URI") == f"<{row.impu}>"
        assert reply.one("Service-Route") == "<sip:orig@epcscf1.ims.example;lr>"
    else:
        assert reply.status == 200
        told = [auth_parameters(each.one("Authorization")) for each in heard]
        assert [each["username"] for each in told] == [row.impi] * 2
        assert [each.get("authorization-entity") for each in told] == [row.ending] * 2


@pytest.mark.req("S001-32")
@pytest.mark.parametrize(
    ("row", "ending"),
    [
        (Row("hall", "vip@ims.example", "sip:seat-vip@ims.example", None), 200),
        (Row("hall", "other@ims.example", "sip:seat-vip@ims.example", None), 403),
        (Row("hall", "vip@ims.example", "sip:seat9@ims.example", None), 403),
        (Row("portal", "vip@ims.example", "sip:seat-vip@ims.example", None), 403),
    ],
    ids=["as recorded", "under another IMPI", "another of the range", "of another WWSF"],
)
async def test_a_record_within_a_range_goes_before_it(register, row, ending):
    """TS 23.228 4.3.3.2b: distinct before wildcarded; its registrar is the core's."""
    reply, closed, heard = await register(row)

    assert reply.status == ending
    assert len(heard) == (2 if ending == 200 else 0)
    assert closed == (CUT if ending == 403 else None)


@pytest.mark.req("S003-36")
@pytest.mark.parametrize("impi", ["wic!.*!@socialnet.example", "!.*!@socialnet.example"])
async def test_a_pattern_is_no_impi_of_a_pool(register, impi):
    row = Row("socialnet", impi, "sip:guest1@ims.example", "refused")
    reply, closed, heard = await register(row)

    assert (reply.status, closed, heard) == (403, CUT, [])


@pytest.mark.req("S003-13")
@pytest.mark.scripted_core
async def test_what_an_impu_looks_like_says_nothing_of_whose_it_is(market):
    """Its domain is the realm of the pool of another WWSF."""
    impu = f"sip:anybody@{DOMAIN}"
    with UdpAgent() as agent:
        core = CoreByHand(agent, market.edge)
        core.serve(market.sidecar)
        bearer = market.bearer("portal", "alice@ims.example", impus=[impu])
        async with await market.connect() as wic:
            asked = wic.register_request(impu, bearer)
            await wic.send(asked.to_bytes())
            told = await core.receive(asked)
            core.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])

            assert (await wic.answer(asked)).status == 200
            assert auth_parameters(told.one("Authorization"))["username"] == "alice@ims.example"
