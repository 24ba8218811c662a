"""A WIC with a good token registers through the eP-CSCF into the real core."""

from __future__ import annotations

import pytest


ALICE = "sip:alice@ims.example"


@pytest.mark.req("S001-17", "S002-2", "S002-8", "S002-10", "S003-17", "S004-10", "S004-16")
async def test_a_good_token_registers_in_the_core(lab):
    async with await lab.connect() as wic:
        reply = await wic.register(ALICE, lab.bearer())

        assert reply.status == 200
        assert f"<{ALICE}>" in reply.one("P-Associated-URI")
        assert lab.core.scscf.registered(ALICE)
