"""One user per IMPI at a time (S001-31, S003-25); who a user is, the token's subject tells."""

from __future__ import annotations

import pytest

from lab.wic import Closed


CUT = Closed(1008, "policy violation")


@pytest.mark.req("S003-25")
async def test_another_user_of_an_impi_is_refused_until_it_is_free(lab, user, at_core):
    mine, theirs = lab.bearer("portal", user.impi), lab.bearer("portal", user.impi, sub="another")
    async with await lab.connect() as one, await lab.connect() as tab:
        assert (await one.register(user.impu, mine)).status == 200
        # the same user in another tab
        assert (await tab.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        async with await lab.connect() as other:
            assert (await other.register(user.impu, theirs)).status == 403
            assert await other.closed() == CUT
            assert at_core(other) == []
        for wic in (one, tab):
            assert (await wic.register(user.impu, mine, expires=0)).status == 200
        async with await lab.connect() as other:
            assert (await other.register(user.impu, theirs)).status == 200


@pytest.mark.req("S003-25")
@pytest.mark.scripted_core
async def test_of_two_users_who_come_at_once_one_gets_the_impi(lab, core_by_hand, impi_by_hand):
    """The second comes while the core is asked about the first."""
    bearers = [lab.bearer("portal", impi_by_hand, sub=sub) for sub in ("one", "another")]
    async with await lab.connect() as first, await lab.connect() as second:
        asked = first.register_request(f"sip:{impi_by_hand}", bearers[0])
        await first.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        refused = await second.register(f"sip:{impi_by_hand}", bearers[1])
        core_by_hand.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])

        assert (refused.status, await second.closed()) == (403, CUT)
        assert (await first.answer(asked)).status == 200
        assert (await first.register(f"sip:{impi_by_hand}", None)).status == 401
