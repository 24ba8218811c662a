"""Answers that come when the edge has forgotten what was asked (RFC 6026).

A callee says its 200 to an INVITE again until it hears the ACK, far longer than the edge
keeps a transaction: what is said again goes the way that it went at first, and nothing else
that belongs to no transaction goes anywhere.
"""

from __future__ import annotations

import pytest

from lab.calling import Dialog, ack_of, answer, deliver, is_answer, is_request, new_request
from lab.deployment import Deployment, Wishes
from lab.rtp import RtpEnd
from lab.waiting import wait_until


PLAIN = {"EPCSCF_MEDIA_OF_BROWSERS": "RTP/AVP ICE=remove rtcp-mux-demux"}
INSIDE = [("P-Charging-Vector", 'icid-value="1"')]
"Of the core and of nobody else's concern."

both_ways = pytest.mark.parametrize("direction", ["from", "to"])


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A deployment where browsers would speak plain RTP."""
    with Deployment(tmp_path_factory.mktemp("stray"), Wishes(media=True, edge=PLAIN)) as running:
        yield running


@pytest.fixture(autouse=True)
def all_hung_up(lab):
    """Leave no media to the next test, of calls that nobody ends."""
    yield
    lab.media.ask("terminate all")


@pytest.fixture
async def sdp():
    """A session description of somebody who hears."""
    async with RtpEnd() as end:
        yield end.sdp()


@pytest.fixture
def ends(wic, user, phone, direction):
    """Give caller, callee and the identities of both; "from" is from the browser."""
    if direction == "from":
        return wic, phone, (user.impu, phone.impu)
    return phone, wic, (phone.impu, user.impu)


def forgotten(node):
    """Wait until *node*, a Kamailio, has no transaction any more."""
    wait_until(
        lambda: node.rpc("tm.stats")["current"] == 0, seconds=15, what="end of transactions"
    )


async def heard_after(caller, callee, impus):
    """Let the callee reach the caller; what it sent before has arrived by then, or never will."""
    request = new_request(callee, "MESSAGE", impus[::-1])
    await answer(caller, await deliver(callee, request, caller), 200)
    await callee.expect(is_answer(request))


def with_vias(request, vias):
    """Make it a request that came this way."""
    return request.without("Via").plus(*(f"Via: {via}" for via in vias))


def less_how_old(message):
    """Leave out what rtpengine counts up when it is asked again."""
    return message.headers, [line for line in message.body.split(b"\r\n") if line[:2] != b"o="]


@pytest.mark.req("S003-33", "SX-1")
@both_ways
@pytest.mark.parametrize("offered", [True, False], ids=["answer", "offer"])
async def test_an_answer_that_is_said_again_arrives_as_it_did(lab, ends, sdp, offered):
    caller, callee, impus = ends
    invite = new_request(caller, "INVITE", impus, (), sdp if offered else b"")
    arrived = await deliver(caller, invite, callee)
    told = await answer(callee, arrived, 200, INSIDE, sdp)
    accepted = await caller.expect(is_answer(invite))
    forgotten(lab.edge)
    # said again it goes the same way, or nowhere
    astray = told.plus("Record-Route: <sip:evil.example:5060;lr>")
    if callee.sent_by.startswith("WSS"):
        await callee.send(astray.to_bytes())
    await callee.send(told.to_bytes())
    again = await caller.expect(is_answer(invite), count=2)

    assert less_how_old(again) == less_how_old(accepted)
    assert sdp not in {accepted.body, again.body}
    assert [again.all(name) for name, _ in INSIDE] == [()]
    dialog = Dialog.of_caller(caller, invite, accepted)
    await dialog.acknowledge(b"" if offered else sdp)
    await callee.expect(is_request("ACK", invite.one("Call-ID")))
    await caller.send((bye := dialog.request("BYE")).to_bytes())
    await answer(callee, await callee.expect(is_request("BYE", invite.one("Call-ID"))), 200)
    assert (await caller.expect(is_answer(bye))).status == 200


@pytest.mark.req("SX-1")
@both_ways
async def test_no_other_answer_is_passed_on(lab, ends, sdp):
    """RFC 6026 7.2: what is neither of a transaction nor a 2xx to an INVITE ends here."""
    caller, callee, impus = ends
    invite = new_request(caller, "INVITE", impus, (), sdp)
    arrived = await deliver(caller, invite, callee)
    await answer(callee, arrived, 200, INSIDE, sdp)
    accepted = await caller.expect(is_answer(invite))
    await Dialog.of_caller(caller, invite, accepted).acknowledge()
    # the S-CSCF would have no use for them either while it remembers
    forgotten(lab.core.scscf)
    forgotten(lab.edge)
    for status in (180, 486):
        await answer(callee, arrived, status, INSIDE)
    await heard_after(caller, callee, impus)

    assert not [m for m in caller.heard if m.status in {180, 486}]


@pytest.mark.req("SX-1")
@both_ways
async def test_an_answer_to_what_was_not_asked_is_not_passed_on(ends, sdp):
    caller, callee, impus = ends
    invite = new_request(caller, "INVITE", impus, (), sdp)
    arrived = await deliver(caller, invite, callee)
    *nodes, own = arrived.all("Via")
    others = [via.replace("z9hG4bK", "z9hG4bK0") for via in nodes]
    await answer(callee, with_vias(arrived, [*others, own]), 200, INSIDE, sdp)
    await heard_after(caller, callee, impus)

    assert not [m for m in caller.heard if is_answer(invite)(m)]
    await answer(callee, arrived, 486)
    await caller.expect(is_answer(invite))


@pytest.mark.req("S003-33", "SX-1")
async def test_a_browser_does_not_answer_in_the_place_of_the_core(
    lab, wic, user, subscribe, phone, sdp
):
    """Via tells a callee how the edge has asked the core; that way nothing would be washed."""
    callee = subscribe()
    impus = (user.impu, callee.impu)
    async with await lab.connect() as other:
        assert (await other.register(callee.impu, lab.bearer("portal", callee.impi))).status == 200
        invite = new_request(wic, "INVITE", impus, (), sdp)
        arrived = await deliver(wic, invite, other)
        behind = with_vias(arrived, arrived.all("Via")[-2:])
        asserted = ("P-Asserted-Identity", f"<{phone.impu}>")
        await answer(other, behind, 180, [asserted])
        await answer(other, behind, 200, [asserted], sdp)
        refused = await wic.expect(is_answer(invite, 180))
        await wic.send(ack_of(invite, refused).to_bytes())
        # that of the called browser; the other went with the call
        assert lab.media.sessions == 1
        await answer(other, arrived, 486)
        await heard_after(wic, other, impus)

        assert refused.status == 500
        assert [m.status for m in wic.heard if m.get("Call-ID") == invite.one("Call-ID")] == [
            100,
            500,
        ]
        assert phone.impu not in "".join(map(str, wic.heard))
