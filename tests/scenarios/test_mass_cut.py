"""Two thousand browsers of a WWSF are cut off within a second of the operator's call (SX-9).

This program plays the browsers and takes longer to notice than the edge to cut them off: so it
looks the other way meanwhile, and it is the edge that tells how long it took.
"""

from __future__ import annotations

import asyncio
import re
import sys

import grpc
import pytest

from epcscf.admin.v1 import registrations_pb2 as pb
from epcscf.admin.v1 import registrations_pb2_grpc
from lab.deployment import PARTNERS, Wishes
from lab.subscribers import Subscription
from lab.wic import Closed


pytestmark = pytest.mark.storm


MANY, OTHERS = 2000, 50
AT_ONCE = 1.0
HANDS = 64
"Browsers that open and register at the same time."

CUT = Closed(1008, "registration ended")


def user_of(number):
    return f"crowd{number}@ims.example"


@pytest.fixture
def crowded(own_lab):
    users = (
        Subscription(impi=user_of(number), impus=(f"sip:{user_of(number)}",), wafs=PARTNERS)
        for number in range(MANY + OTHERS)
    )
    # subscriptions would queue before de-registrations, and they are of no interest here
    edge = {"EPCSCF_NO_REG_EVENT": True, "EPCSCF_DEREGISTER_RATE": 1000}
    # TLS ends in front: that of Kamailio 5.6.3 does not survive so many handshakes (ADR 0013)
    return own_lab(Wishes(subscriptions=tuple(users), edge=edge, shm_mb=1024, behind_front=True))


async def register_all(lab, wwsf, numbers):
    hands = asyncio.Semaphore(HANDS)

    async def register(number):
        async with hands:
            wic = await lab.connect(wwsf)
            bearer = lab.bearer(wwsf, user_of(number))
            reply = await wic.register(f"sip:{user_of(number)}", bearer, expires=3000)
        assert reply.status == 200
        return wic

    return await asyncio.gather(*(register(number) for number in numbers))


async def terminate(lab, wwsf):
    """Order it as epcscfctl does, without the time that a program takes to start."""
    async with grpc.aio.insecure_channel(f"unix:{lab.sidecar.admin_socket}") as channel:
        stub = registrations_pb2_grpc.RegistrationAdminStub(channel)
        await stub.ListRegistrations(pb.ListRegistrationsRequest(page_size=1))
        whom = pb.TerminateRegistrationsRequest(wwsf=f"wwsfs/{wwsf}")
        await stub.TerminateRegistrations(whom)


def time_of_cut(lab, since):
    """Return the seconds from the arrival of the order at the edge to the last connection."""

    def told(line):
        found = re.search(rf"order.finished .* connections={MANY} .* cut_after=([0-9.]+)", line)
        return float(found[1]) if found else None

    return lab.edge.log.wait_for(told, seconds=60, what="end of the order", since=since)


@pytest.mark.req("SX-9", "S000-25")
async def test_two_thousand_connections_end_within_a_second(crowded, record_property):
    lab = crowded
    others = await register_all(lab, "partner", range(MANY, MANY + OTHERS))
    crowd = await register_all(lab, "portal", range(MANY))
    for wic in crowd:
        # looking at what has come would take from the second that is measured
        wic.socket.transport.pause_reading()
    since = lab.edge.log.mark()
    await terminate(lab, "portal")
    cut_after = await asyncio.to_thread(time_of_cut, lab, since)
    for wic in crowd:
        wic.socket.transport.resume_reading()
    ends = await ends_of(crowd)

    # the figure is what one wants to see of this test
    sys.stdout.write(f"{MANY} connections: cut after {cut_after:.2f} s\n")
    record_property("seconds", cut_after)
    assert ends == {CUT}
    assert cut_after <= AT_ONCE
    # the other WWSF has not noticed
    for number, wic in enumerate(others, start=MANY):
        bearer = lab.bearer("partner", user_of(number))
        assert (await wic.register(f"sip:{user_of(number)}", bearer)).status == 200
        assert wic.is_open
    lab.edge.wait_until(
        lambda: len(lab.core.hss.registrations()) == OTHERS, seconds=30, what="end at the core"
    )
    assert len(lab.edge.standing()) == OTHERS
    for wic in others:
        await wic.close()


async def ends_of(crowd):
    ends = {await wic.closed() for wic in crowd}
    for wic in crowd:
        await wic.close()
    return ends
