"""Calls find their WebSocket wherever TLS ends, and by either version of IP."""

from __future__ import annotations

import pytest

from lab.calling import answer, is_answer, is_request, new_request
from lab.core import Plan
from lab.deployment import Wishes
from tests.scenarios.test_dialog import establish, passes


ALICE, BOB = (f"sip:{name}@ims.example" for name in ("alice", "bob"))


@pytest.mark.req("S001-35", "S001-36")
@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(behind_front=True),
        Wishes(host="::1", core=Plan(host="::1", edges=("::1",))),
        Wishes(host="::1", core=Plan(host="::1", edges=("::1",)), behind_front=True),
    ],
    ids=["front", "ipv6", "ipv6 front"],
)
async def test_two_browsers_call_each_other(own_lab, wishes):
    lab = own_lab(wishes)
    async with await lab.connect() as alice, await lab.connect() as bob:
        await alice.register(ALICE, lab.bearer())
        await bob.register(BOB, lab.bearer("portal", "bob@ims.example"))
        for caller, callee, impus in ((alice, bob, (ALICE, BOB)), (bob, alice, (BOB, ALICE))):
            call = await establish(caller, callee, impus)
            await passes(call.callee, call.caller, "INVITE")
            await passes(call.caller, call.callee, "BYE")
        request = new_request(alice, "MESSAGE", (ALICE, BOB))
        await alice.send(request.to_bytes())
        await answer(bob, await bob.expect(is_request("MESSAGE")), 200)
        assert (await alice.expect(is_answer(request))).status == 200
