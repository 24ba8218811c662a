"""Two home domains on one eP-CSCF: each with a realm, a visited network and a core of its own."""

from __future__ import annotations

import re

import pytest

from lab.core import ImsCore, Plan
from lab.deployment import SUBSCRIPTIONS, Deployment, Wishes
from lab.digest import answer_challenge, auth_parameters
from lab.subscribers import Subscription
from lab.wic import Closed, Wic
from tests.scenarios.provisioning import provide


BLUE, GREEN = "ims.example", "ims.green.example"
CUT = Closed(1008, "policy violation")
GREEN_USERS = (
    Subscription(impi="gus@ims.green.example", impus=("sip:gus@ims.green.example",)),
    Subscription(impi="guest3@socialnet.example", impus=("tel:+43190",)),
    Subscription(
        impi="gwen@ims.green.example", impus=("sip:gwen@ims.green.example",), password="gwen's"
    ),
)
DORA = Subscription(
    impi="dora@ims.example", impus=("sip:dora@ims.example",), password="dora in the lab"
)

POLICY = """
[home_domains."ims.green.example"]
realm = "green.example"
visited_network_id = "visited.green.example"
next_hop_set = 2

[wwsfs.softphone]
origins = ["https://phone.example"]
credentials = "digest"

[wwsfs.hotel]
origins = ["https://hotel.example"]
authorization_entities = ["waf"]
ranges = [{ range = "sip:room!.*!@ims.example", enabled = true }]

[wwsfs.hostel]
origins = ["https://hostel.example"]
authorization_entities = ["waf"]
ranges = [{ range = "sip:room!.*!@ims.green.example", enabled = true }]
"""


@pytest.fixture(scope="module")
def green(tmp_path_factory):
    """The core of the second home domain."""
    plan = Plan(realm=GREEN, visited_networks=("visited.green.example",), icscfs=1)
    with ImsCore(tmp_path_factory.mktemp("green"), GREEN_USERS, plan) as core:
        yield core
        core.check_alive()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, green):
    """A deployment that serves both."""
    wishes = Wishes(
        subscriptions=(*SUBSCRIPTIONS, DORA),
        next_hops={2: green.icscf_addresses},
        edge={"EPCSCF_CORE_TIMEOUT": 1000},
    )
    with Deployment(tmp_path_factory.mktemp("blue"), wishes) as deployment:
        provide(deployment, POLICY)
        yield deployment
        deployment.core.check_alive()


async def open_socket(lab, origin):
    return await Wic.connect(lab.url, origin=origin, ssl=lab.trust())


def registers(core, wic):
    """What the core has heard of this client; of those before it, it may hear their ends."""
    return [each for each in core.scscf.wire() if each.one("Call-ID") == wic.call_id]


def told(core, wic):
    """What the core was last told of a REGISTER."""
    sent = registers(core, wic)[-1]
    named = auth_parameters(sent.one("Authorization"))
    charged = re.search(r'orig-ioi="Type 1([^"]+)"', sent.one("P-Charging-Vector"))[1]
    return named["realm"], named["uri"], sent.one("P-Visited-Network-ID"), charged


@pytest.mark.req("S001-17", "S001-20")
async def test_each_user_is_registered_in_his_own_core(lab, green):
    async with await lab.connect() as one, await lab.connect() as other:
        reply = await one.register("sip:alice@ims.example", lab.bearer())

        assert reply.status == 200
        assert told(lab.core, one) == (BLUE, f"sip:{BLUE}", f'"{BLUE}"', BLUE)
        assert registers(green, one) == []

        bearer = lab.bearer(impi="gus@ims.green.example")
        for _ in range(2):
            reply = await other.register("sip:gus@ims.green.example", bearer)

            assert reply.status == 200
            assert told(green, other) == (
                *("green.example", f"sip:{GREEN}"),
                *('"visited.green.example"', GREEN),
            )
        assert registers(lab.core, other) == []


async def test_a_number_is_registered_in_the_domain_that_the_register_is_addressed_to(lab, green):
    bearer = lab.bearer("socialnet", "guest3@socialnet.example", impus=["tel:+43190"])
    async with await lab.connect("socialnet") as wic:
        wic.home = GREEN
        assert (await wic.register("tel:+43190", bearer)).status == 200
        assert told(green, wic)[0] == "green.example"
        # what was found for one domain is not applied to the other
        wic.home = BLUE
        assert (await wic.register("tel:+43190", bearer)).status == 403
        assert lab.core.hss.commands("guest3@socialnet.example") != []


@pytest.mark.req("S001-16", "SX-29")
@pytest.mark.parametrize(
    ("impu", "home", "realm"),
    [
        ("sip:alice@ims.example", BLUE, BLUE),
        ("sip:gus@ims.green.example", GREEN, "green.example"),
        ("sip:gus@IMS.Green.example", "IMS.Green.example", "green.example"),
        ("sip:gus@ims.green.example", BLUE, "green.example"),
        ("tel:+43190", GREEN, "green.example"),
        ("tel:+43190", BLUE, BLUE),
        ("sip:gus@elsewhere.example", GREEN, "green.example"),
    ],
)
async def test_whoever_shows_no_good_token_is_challenged_in_his_own_realm(lab, impu, home, realm):
    for bearer in (None, lab.bearer(impus=[impu], exp=1)):
        async with await lab.connect() as wic:
            request = wic.register_request(impu, bearer).sent_to(f"sip:{home}")
            (challenge,) = (await wic.ask(request)).all("WWW-Authenticate")

            assert challenge.startswith(f'Bearer realm="{realm}", ')


@pytest.mark.req("S001-8", "S001-9")
@pytest.mark.parametrize(
    ("user", "visited"),
    [(DORA, f'"{BLUE}"'), (GREEN_USERS[2], '"visited.green.example"')],
    ids=["blue", "green"],
)
async def test_digest_is_relayed_to_the_core_of_the_user(lab, green, user, visited):
    domain = user.impi.partition("@")[2]
    core = {BLUE: lab.core, GREEN: green}[domain]
    async with await open_socket(lab, "https://phone.example") as wic:
        challenged = await wic.register(user.impus[0], None)
        challenge = challenged.one("WWW-Authenticate")
        answer = answer_challenge(challenge, user.impi, user.password, f"sip:{domain}")

        assert auth_parameters(challenge)["realm"] == domain
        assert (await wic.register(user.impus[0], answer)).status == 200
        assert told(core, wic)[1:] == (f"sip:{domain}", visited, domain)


@pytest.mark.req("S001-27", "S003-10")
@pytest.mark.parametrize(
    ("origin", "impu", "status"),
    [
        ("https://hotel.example", "sip:room1@ims.example", 200),
        ("https://hostel.example", "sip:room1@ims.green.example", 200),
        ("https://hotel.example", "sip:room1@ims.green.example", 403),
        ("https://hostel.example", "sip:room1@ims.example", 403),
    ],
)
async def test_ranges_that_differ_in_the_domain_alone_are_kept_apart(lab, origin, impu, status):
    wwsf = origin.removeprefix("https://").removesuffix(".example")
    token = lab.issuers["portal"].token(f"guest@{wwsf}.example", [impu], client_id=wwsf)
    async with await open_socket(lab, origin) as wic:
        reply = await wic.register(impu, f"Bearer {token}")

        assert reply.status == status
        if status == 200:
            assert reply.one("P-Associated-URI") == f"<{impu}>"
        else:
            assert await wic.closed() == CUT


async def test_a_dead_core_takes_its_own_domain_with_it_and_no_other(lab, green):
    green.icscfs[0].freeze()
    try:
        async with await lab.connect() as one, await lab.connect() as other:
            bearers = lab.bearer(), lab.bearer(impi="gus@ims.green.example")
            served = await one.register("sip:alice@ims.example", bearers[0])
            unserved = await other.register("sip:gus@ims.green.example", bearers[1])
    finally:
        green.icscfs[0].thaw()
        lab.edge.wait_until(
            lambda: str(lab.edge.rpc("dispatcher.list")).count("'AP'") == 3,
            seconds=10,
            what="answers to probes",
        )

    assert (served.status, unserved.status) == (200, 504)
