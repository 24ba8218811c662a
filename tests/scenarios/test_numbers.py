"""Identities that are telephone numbers: tel URIs (RFC 3966, TS 23.003 13.4)."""

from __future__ import annotations

import secrets

import pytest

from lab.digest import auth_parameters
from lab.wic import Closed, Wic
from tests.scenarios.core_by_hand import DOMAIN
from tests.scenarios.provisioning import provide


ORIGIN = "https://numbers.example"
CUT = Closed(1008, "policy violation")

POLICY = """
[wwsfs.numbers]
origins = ["https://numbers.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["numbers.example"]
ranges = [
    { range = "tel:+49-89!([0-9]{4})!", enabled = true },
    { range = "tel:+4330!.*!", enabled = false },
]

[subscriptions."zoe@scripted.example"]
impus = ["tel:+49-30-7777"]
wwsfs = ["numbers"]
"""


@pytest.fixture(scope="module")
def connect(lab):
    """Connect as a page of a WWSF that has numbers to lend out."""
    provide(lab, POLICY)

    async def open_socket():
        return await Wic.connect(lab.url, origin=ORIGIN, ssl=lab.trust())

    return open_socket


@pytest.fixture
def bearer(lab):
    """Make a token of that WWSF, for an IMPI of its pool unless told otherwise."""

    def of(impu, impi=None):
        impi = impi or f"user-{secrets.token_hex(4)}@numbers.example"
        token = lab.issuers["portal"].token(impi, [impu], client_id="numbers")
        return f"Bearer {token}"

    return of


def address_of(lab, number):
    """The Contact that the registrar of the edge has for a number; "" if there is none."""
    domains = lab.edge.rpc("ul.dump")["Domains"]
    records = [aor["Info"] for each in domains for aor in each["Domain"]["AoRs"]]
    # whose address has no host
    found = [record["Contacts"] for record in records if record["AoR"] == f"{number}@"]
    return "".join(contact["Contact"]["Address"] for contacts in found for contact in contacts)


@pytest.mark.req("S001-27", "S001-28", "SX-26")
@pytest.mark.parametrize("said", ["tel:+49891234", "tel:+49-89-1235", "TEL:+(4989)12.36"])
async def test_a_number_of_a_static_range_is_registered_at_the_edge(lab, connect, bearer, said):
    """Its user's IMPI has a realm of its own, which is no home domain."""
    number = "+" + "".join(filter(str.isdigit, said))
    credential = bearer(f"tel:{number}")
    commands = len(lab.core.hss.commands())
    async with await connect() as wic:
        reply = await wic.register(said, credential)

        assert reply.status == 200
        assert reply.one("P-Associated-URI") == f"<tel:{number}>"
        assert address_of(lab, number).startswith(f"sip:{wic.user}@{wic.host}")
        assert (await wic.register(said, credential)).status == 200
        assert (await wic.register(said, credential, expires=0)).status == 200
        assert address_of(lab, number) == ""
    assert len(lab.core.hss.commands()) == commands


@pytest.mark.req("S001-18", "S001-27", "S001-29", "S003-10")
@pytest.mark.parametrize(
    ("impu", "impi"),
    [
        ("tel:+43301", None),
        ("tel:+49891234", "alice@ims.example"),
        ("tel:+49307777", None),
    ],
    ids=["range not enabled", "IMPI of another form", "of a subscription"],
)
async def test_a_number_that_is_not_to_be_had_is_forbidden(connect, bearer, impu, impi):
    async with await connect() as wic:
        assert (await wic.register(impu, bearer(impu, impi))).status == 403
        assert await wic.closed() == CUT


@pytest.mark.req("S003-10")
@pytest.mark.usefixtures("connect")
@pytest.mark.parametrize("number", ["tel:+49891234", "tel:+49307777"])
async def test_a_number_of_one_wwsf_is_foreign_to_another(lab, at_core, number):
    async with await lab.connect("portal") as wic:
        reply = await wic.register(number, lab.bearer("portal", "bob@ims.example", impus=[number]))

        assert reply.status == 403
        assert await wic.closed() == CUT
        assert at_core(wic) == []


@pytest.mark.req("S001-18")
async def test_a_number_is_not_the_sip_identity_with_the_same_digits(connect, bearer):
    async with await connect() as wic:
        reply = await wic.register("sip:+49891234@ims.example", bearer("tel:+49891234"))

        assert reply.status == 403


@pytest.mark.req("S001-17", "S001-20", "SX-26")
@pytest.mark.scripted_core
@pytest.mark.parametrize(
    ("impi", "said"),
    [
        ("zoe@scripted.example", "tel:+49-30-7777"),
        ("zoe@scripted.example", "tel:+49307777"),
        ("u17@numbers.example", "tel:+4930(8888)"),
    ],
)
async def test_a_number_goes_to_the_core_as_it_was_said(connect, bearer, core_by_hand, impi, said):
    """To is the user's: whoever asks the HSS makes it canonical.

    The IMPI's realm is the home domain, or else the REGISTER is addressed to it.
    """
    number = "tel:+" + "".join(filter(str.isdigit, said))
    async with await connect() as wic:
        wic.home = DOMAIN
        asked = wic.register_request(said, bearer(number, impi))
        await wic.send(asked.to_bytes())

        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK")
        assert told.start_line == f"REGISTER sip:{DOMAIN} SIP/2.0"
        assert (told.one("To"), told.all("From")) == (f"<{said}>", asked.all("From"))
        named = auth_parameters(told.one("Authorization"))
        assert (named["username"], named["realm"]) == (impi, DOMAIN)
        assert told.one("P-Visited-Network-ID") == f'"{DOMAIN}"'
        assert (await wic.answer(asked)).status == 200


@pytest.mark.req("S001-20")
async def test_a_number_is_not_registered_in_a_domain_that_is_not_served(connect, bearer):
    async with await connect() as wic:
        wic.home = "elsewhere.example"

        assert (await wic.register("tel:+49891234", bearer("tel:+49891234"))).status == 403
