"""What the core says of registrations by itself: event package reg (RFC 3680)."""

from __future__ import annotations

import dataclasses

import pytest

from lab.scripted import Behaviour
from lab.udp import UdpAgent
from lab.wic import Closed


ENDED = Closed(1008, "registration ended")


def subscriptions(lab, user, since=0):
    """SUBSCRIBEs for *user* that have arrived at the S-CSCF."""
    arrived = lab.core.scscf.wire("SUBSCRIBE", since)
    return [message for message in arrived if user.impu in message.one("To")]


def wait_for_subscription(lab, user, count=1):
    lab.edge.wait_until(
        lambda: len(subscriptions(lab, user)) >= count, seconds=5, what=f"{count} SUBSCRIBEs"
    )
    return subscriptions(lab, user)[-1]


def call_of(lab, user):
    """The Call-ID of the subscription that is in force."""
    lab.edge.wait_until(
        lambda: any(user.impi in each for each in in_force(lab)), seconds=5, what="subscription"
    )
    return in_force(lab)[user.impi]


def in_force(lab):
    rows = lab.edge.rows("ep_subscription")
    return {
        lab.edge.decoded(key[2:]): str(row) for key, row in rows.items() if key.startswith("i/")
    }


@pytest.mark.req("S001-10", "SX-12")
async def test_the_first_registration_of_an_impi_is_watched_and_the_last_one_is_not(lab, user):
    async with await lab.connect() as one, await lab.connect() as other:
        for wic in (one, other, one):
            assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        call = call_of(lab, user)
        (told,) = subscriptions(lab, user)
        assert (told.one("Event"), told.one("Accept")) == ("reg", "application/reginfo+xml")
        assert int(told.one("Expires")) > 600
        assert told.request_uri == user.impu

        assert (await one.register(user.impu, None, expires=0)).status == 200
        assert call_of(lab, user) == call
        assert (await other.register(user.impu, None, expires=0)).status == 200
        end = wait_for_subscription(lab, user, 2)
        assert (end.one("Call-ID"), end.one("Expires")) == (call, "0")
        assert int(end.one("CSeq").split()[0]) > int(told.one("CSeq").split()[0])
        assert user.impi not in in_force(lab)


@pytest.mark.req("SX-12")
async def test_a_subscription_is_renewed_before_it_ends(lab, user):
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        first = call_of(lab, user)
        lab.edge.rpc("htable.setex", "ep_watch", lab.edge.coded(user.impi), 1)
        lab.edge.wait_until(lambda: call_of(lab, user) != first, seconds=10, what="renewal")
        ended = wait_for_subscription(lab, user, 3)

        assert (ended.one("Call-ID"), ended.one("Expires")) == (first, "0")
        lab.core.scscf.deregister(user.impu)
        assert await wic.closed() == ENDED


@pytest.mark.req("SX-12")
async def test_a_subscription_that_is_refused_is_an_alarm_and_nothing_else(lab, user):
    since = lab.edge.log.mark()
    lab.core.scscf.script(user.impu, Behaviour.FORBID, method="SUBSCRIBE")
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        alarm = lab.edge.log.wait_for(
            lambda line: line if "regevent.refused" in line else None,
            seconds=5,
            what="alarm",
            since=since,
        )
        lab.core.scscf.unscript(user.impu, "SUBSCRIBE")
        assert "ERROR" in alarm
        assert "status=403" in alarm
        assert lab.edge.stands(user.impu)
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200


@pytest.mark.req("SX-11")
@pytest.mark.parametrize("by", ["the HSS", "the S-CSCF"])
async def test_what_the_network_ends_ends_here_with_its_connection(lab, user, by):
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        call_of(lab, user)
        if by == "the HSS":
            assert lab.core.hss.terminate(user.impi) == 2001
        else:
            lab.core.scscf.deregister(user.impu)

        assert await wic.closed() == ENDED
        assert not lab.edge.stands(user.impu)
        ended = ("registrations", "list", "--impi", user.impi, "--ended")
        lab.edge.wait_until(
            lambda: "ended" in lab.sidecar.ctl(*ended), seconds=5, what="report of the end"
        )


@pytest.fixture
def stranger():
    with UdpAgent("127.0.0.66") as agent:
        yield agent


ENDS_NOBODY = b"""<?xml version="1.0"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="9" state="full">
  <registration aor="sip:nobody@ims.example" id="a" state="terminated"/>
</reginfo>"""


def notify(agent, lab, call, body=ENDS_NOBODY):
    """Send a NOTIFY of the subscription *call* to the edge; return the answer."""
    place = ("127.0.0.1", lab.edge.plan.core_port)
    uri = f"sip:ep-reg@{place[0]}:{place[1]}"
    headers = [("Event", "reg"), ("Subscription-State", "active"), ("Call-ID", call)]
    request = agent.request("NOTIFY", uri, uri, headers).without("Content-Length")
    request = request.plus("Content-Type: application/reginfo+xml", f"Content-Length: {len(body)}")
    return agent.exchange(dataclasses.replace(request, body=body), place)


@pytest.mark.req("SX-11")
async def test_a_notify_of_somebody_else_or_of_no_subscription_counts_for_nothing(
    lab, user, stranger
):
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        call = call_of(lab, user)
        assert notify(stranger, lab, call).status == 481
        with UdpAgent() as of_the_core:
            assert notify(of_the_core, lab, "ep-reg-of-another-boot").status == 481
            # what it does not hold stays as it is
            assert notify(of_the_core, lab, call).status == 200
        assert lab.edge.stands(user.impu)


async def watched(core_by_hand, impu):
    """Accept the subscription for *impu*; return its Call-ID."""
    asked = await core_by_hand.receive_subscription(impu)
    headers = [("Contact", "<sip:core@127.0.0.1>"), ("Expires", "3600")]
    core_by_hand.answer(asked, 200, "OK", headers)
    return asked.one("Call-ID")


def ends(impu, contact, event="deactivated"):
    """What the core says when its operator has taken one identity away."""
    return f"""<?xml version="1.0"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1" state="partial">
  <registration aor="{impu}" id="a" state="terminated">
    <contact id="b" state="terminated" event="{event}"><uri>{contact}</uri></contact>
  </registration>
</reginfo>""".encode()


@pytest.mark.req("SX-11", "SX-6")
@pytest.mark.scripted_core
@pytest.mark.parametrize("first_ended_by", ["the core", "the client"])
async def test_a_connection_stays_until_the_last_of_its_registrations_is_ended(
    lab, core_by_hand, impi_by_hand, registers, first_ended_by
):
    work, home = f"sip:work-{impi_by_hand}", f"sip:home-{impi_by_hand}"
    bearer = f"Bearer {lab.issuers['portal'].token(impi_by_hand, [work, home])}"
    async with await lab.connect() as wic:
        assert await registers(wic, work, bearer) == 200
        call = await watched(core_by_hand, work)
        assert await registers(wic, home, bearer) == 200
        with UdpAgent() as core:
            if first_ended_by == "the core":
                assert notify(core, lab, call, ends(work, wic.contact_uri)).status == 200
            else:
                assert await registers(wic, work, None, expires=0) == 200
            lab.edge.wait_until(lambda: not lab.edge.stands(work), seconds=5, what="end of one")
            # that a client leaves counts until it has had its answer
            lab.edge.wait_until(lambda: not lab.edge.rows("ep_leaving"), seconds=5, what="answer")
            await wic.ping()
            assert wic.is_open
            assert lab.edge.stands(home)
            assert await registers(wic, home, bearer) == 200

            assert notify(core, lab, call, ends(home, wic.contact_uri)).status == 200
        assert await wic.closed() == ENDED
        assert not lab.edge.stands(home)


@pytest.mark.req("SX-11", "SX-13")
@pytest.mark.scripted_core
async def test_who_leaves_stays_connected_if_the_core_tells_of_it_before_it_answers(
    lab, core_by_hand, impi_by_hand, registers
):
    impu = f"sip:{impi_by_hand}"
    bearer = f"Bearer {lab.issuers['portal'].token(impi_by_hand, [impu])}"
    async with await lab.connect() as wic:
        assert await registers(wic, impu, bearer) == 200
        call = await watched(core_by_hand, impu)

        # as if long ago: what was renewed a moment ago is not meant
        (binding,) = (key for key in lab.edge.rows("ep_binding") if lab.edge.coded(impu) in key)
        lab.edge.rpc("htable.seti", "ep_life", binding, 3600)
        leaving = wic.register_request(impu, None, expires=0)
        await wic.send(leaving.to_bytes())
        heard = await core_by_hand.receive(leaving)
        with UdpAgent() as core:
            told = ends(impu, wic.contact_uri, event="unregistered")
            assert notify(core, lab, call, told).status == 200
            lab.edge.wait_until(lambda: not lab.edge.stands(impu), seconds=5, what="end")
        core_by_hand.answer(heard, 200, "OK")

        assert (await wic.answer(leaving)).status == 200
        await wic.ping()
        assert wic.is_open
        assert await registers(wic, impu, bearer) == 200
