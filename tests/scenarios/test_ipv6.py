"""The same over IPv6: browser door, native door, front end and core side (RFC 5118)."""

from __future__ import annotations

import pytest
import websockets

from lab.core import Plan
from lab.deployment import ORIGINS, SUBSCRIPTIONS, Deployment, Wishes
from lab.digest import answer_challenge
from lab.edge import HOST, door_url
from lab.subscribers import Subscription
from lab.wic import Wic


LOOPBACK = "::1"
ALICE = "sip:alice@ims.example"
BOB = "sip:bob@ims.example"
ROOM = "sip:room1@ims.example"
DORA = Subscription(
    impi="dora@ims.example", impus=("sip:dora@ims.example",), password="dora in the lab"
)

POLICY = """
[wwsfs.hotel]
origins = ["https://hotel.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["hotel.example"]
ranges = [{{ range = "sip:room!.*!@ims.example", enabled = true }}]

[wwsfs.softphone]
origins = ["https://phone.example"]
credentials = "digest"

[wwsfs.native]
client_certificates = ["{certificate}"]
authorization_entities = ["waf"]
"""


@pytest.fixture(scope="module")
def native(lab):
    """The certificate of native clients."""
    return lab.authority.issue_client("native.example")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A deployment that knows IPv6 only, but for a second address of its browser door."""
    wishes = Wishes(
        subscriptions=(*SUBSCRIPTIONS, DORA),
        host=LOOPBACK,
        core=Plan(host=LOOPBACK, edges=(LOOPBACK,)),
        edge={"BROWSER_HOST_2": HOST},
    )
    with Deployment(tmp_path_factory.mktemp("ipv6"), wishes) as deployment:
        yield deployment
        deployment.core.check_alive()


@pytest.fixture(scope="module")
def connect(lab, native):
    """Connect as a page of a WWSF that this module has added."""
    lab.apply(POLICY.format(certificate=native.sha256()))
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_certificate", native.sha256()) == "native",
        seconds=5,
        what="policy",
    )

    async def open_socket(origin):
        return await Wic.connect(lab.url, origin=origin, ssl=lab.trust())

    return open_socket


async def test_a_registration_goes_to_the_core_and_ends_there(lab, at_core):
    async with await lab.connect() as wic:
        reply = await wic.register(BOB, lab.bearer(impi="bob@ims.example"))
        (sent,) = at_core(wic)
        _, own_via, browsers_via = sent.all("Via")

        assert reply.status == 200
        # RFC 5118 4.5: no brackets there
        assert f";received={LOOPBACK};" in browsers_via + ";"
        assert own_via.startswith(f"SIP/2.0/UDP [{LOOPBACK}]:{lab.edge.plan.core_port};")
        assert f"@[{LOOPBACK}]:{lab.edge.plan.core_port};lr;ob>" in sent.one("Path")
        ended = await wic.register(BOB, lab.bearer(impi="bob@ims.example"), expires=0)
        assert ended.status == 200
        lab.core.scscf.wait_until_gone(BOB)


@pytest.mark.req("SX-11")
async def test_what_the_core_ends_ends_here(lab):
    """The core's NOTIFY finds the way back to this node."""
    async with await lab.connect() as wic:
        assert (await wic.register(BOB, lab.bearer(impi="bob@ims.example"))).status == 200
        lab.edge.wait_until(
            lambda: lab.edge.row("ep_subscription", f"i/{lab.edge.coded('bob@ims.example')}"),
            seconds=5,
            what="subscription",
        )
        lab.core.scscf.deregister(BOB)

        assert (await wic.closed()).reason == "registration ended"
        assert not lab.edge.stands(BOB)


async def test_next_hops_are_probed(lab):
    lab.edge.wait_until(
        lambda: str(lab.edge.rpc("dispatcher.list")).count("'AP'") == 2,
        seconds=5,
        what="answers to probes",
    )


async def test_a_dead_next_hop_is_passed_over(lab):
    lab.core.icscfs[0].freeze()
    try:
        for _ in lab.core.icscfs:
            async with await lab.connect() as wic:
                reply = await wic.register(ALICE, lab.bearer())

                assert reply.status == 200
    finally:
        lab.core.icscfs[0].thaw()


async def test_a_foreign_page_is_refused_and_its_address_logged(lab):
    mark = lab.edge.log.mark()
    with pytest.raises(websockets.InvalidStatus) as refused:
        await Wic.connect(lab.url, origin="https://evil.example", ssl=lab.trust())

    assert refused.value.response.status_code == 403
    assert f"from={LOOPBACK}\n" in "\n".join(lab.edge.log.lines(mark)) + "\n"


async def test_a_static_range_is_registered_at_the_edge(lab, connect):
    token = lab.issuers["portal"].token("guest@hotel.example", [ROOM], client_id="hotel")
    async with await connect("https://hotel.example") as wic:
        reply = await wic.register(ROOM, f"Bearer {token}")
        bindings = str(lab.edge.rpc("ul.dump"))

        assert reply.status == 200
        assert f"sip:[{LOOPBACK}]:{wic.socket.local_address[1]};transport=ws" in bindings


async def test_digest_is_relayed(lab, connect):
    async with await connect("https://phone.example") as wic:
        challenged = await wic.register(DORA.impus[0], None)
        answer = answer_challenge(
            challenged.one("WWW-Authenticate"), DORA.impi, DORA.password, "sip:ims.example"
        )
        reply = await wic.register(DORA.impus[0], answer)

        assert (challenged.status, reply.status) == (401, 200)


async def test_a_native_client_shows_its_certificate(lab, connect, native):
    context = lab.trust()
    context.load_cert_chain(native.certificate, native.key)
    async with await Wic.connect(lab.edge.native_url, origin=None, ssl=context) as wic:
        reply = await wic.register(ALICE, lab.bearer(client_id="native"))

        assert reply.status == 200


async def test_the_second_address_of_the_door_is_the_same_door(lab):
    url = door_url("wss", (HOST, lab.edge.plan.browser_port))
    async with await Wic.connect(url, origin=ORIGINS["portal"], ssl=lab.trust()) as wic:
        reply = await wic.register(ALICE, lab.bearer())

        assert reply.status == 200
        assert f"received={HOST}" in reply.one("Via")


async def test_browsers_of_ipv6_behind_a_front_end_and_a_core_of_ipv4(own_lab):
    mixed = own_lab(Wishes(host=LOOPBACK, behind_front=True, edge={"CORE_HOST_2": HOST}))
    async with await mixed.connect() as wic:
        reply = await wic.register(ALICE, mixed.bearer())
        (sent,) = mixed.core.scscf.wire()

        assert reply.status == 200
        # of the browser, not of the front end
        assert f"rport={wic.socket.local_address[1]}" in reply.one("Via")
        assert f"received={LOOPBACK}" in reply.one("Via")
        assert f"@{HOST}:{mixed.edge.plan.core_port};" in sent.one("Path")
