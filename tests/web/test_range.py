"""A site that lends members of its static range, as browsers do it without their users.

They are registered at the eP-CSCF, which is their registrar, and nobody else has heard of them.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

import jwt
import pytest

from lab.waiting import wait_until
from tests.web.ways import ROOMS


async def sign_off(wic, impu, bearer):
    if wic.is_open:
        await wic.register(impu, bearer, expires=0)


@pytest.fixture
async def guests(side, visit, connect):
    """What the inn has told as many guests as it has rooms, and their WebSockets, by room."""
    # the room of who has left just now is in quarantine
    wait_until(lambda: side.free("inn") == len(ROOMS), seconds=10, what="empty inn")
    async with AsyncExitStack() as stay:
        found = {}
        for _ in ROOMS:
            visitor = await stay.enter_async_context(visit("inn"))
            await visitor.post("/guest")
            session = await visitor.session()
            wic = await stay.enter_async_context(await connect("inn"))
            bearer = f"Bearer {session['token']}"
            assert (await wic.register(session["impu"], bearer)).status == 200
            # as the page does: a room whose connection is only lost is held for a while
            stay.push_async_callback(sign_off, wic, session["impu"], bearer)
            found[session["impu"]] = session, wic
        yield found


@pytest.mark.req("S001-26", "S001-27")
async def test_no_room_is_lent_to_two_and_who_comes_too_late_gets_no_token(side, visit, guests):
    async with visit("inn") as late:
        await late.post("/guest")
        answer = await late.open("/session")

        assert guests.keys() == ROOMS
        assert (answer.status_code, answer.json()) == (503, {"error": "pool_exhausted"})
        assert int(answer.headers["retry-after"]) > 0
        assert guests.keys() <= {impu for _, impu in side.lab.edge.standing()}
        assert not any(map(side.lab.core.scscf.registered, guests))


@pytest.mark.req("S001-26", "S003-3")
async def test_a_room_is_lent_again_when_the_epcscf_has_said_that_it_is_free(side, visit, guests):
    impu, (session, wic) = guests.popitem()
    impi = jwt.decode(session["token"], options={"verify_signature": False})["ims_impi"]
    assert side.lease_ends("inn", impi) > session["expires_at"]

    side.lab.sidecar.ctl("revocations", "create", "--impi", impi)

    assert (await wic.closed()).code == 1008
    side.wwsfs.wait_until(lambda: side.free("inn") == 1, seconds=10, what="free room")
    async with visit("inn") as late:
        await late.post("/guest")
        assert (await late.session())["impu"] == impu
