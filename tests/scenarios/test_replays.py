"""What was asked or registered once is not asked or registered again (SX-23)."""

from __future__ import annotations

import asyncio

import pytest

from lab.cx import Command


BOB = "sip:bob@ims.example"


def count_sar(lab, impi="bob@ims.example"):
    commands = lab.core.hss.commands(impi)
    return sum(each.request.command == Command.SERVER_ASSIGNMENT for each in commands)


@pytest.mark.req("SX-23")
async def test_a_register_that_is_sent_again_is_not_taken_to_the_core_again(lab):
    async with await lab.connect() as wic:
        request = wic.register_request(BOB, lab.bearer("portal", "bob@ims.example"))
        assert (await wic.ask(request)).status == 200
        registered, judged = count_sar(lab), len(lab.sidecar.events("register.decided"))
        branch = request.one("Via").rpartition("z9hG4bK")[2]
        replayed = str(request).replace(branch, "replayed")
        await wic.send(replayed.encode())
        answers = await wic.answers(request.parse(replayed.encode()), 1)

        assert answers[0].status == 500
        assert count_sar(lab) == registered > 0
        assert len(lab.sidecar.events("register.decided")) == judged


@pytest.mark.req("SX-23")
async def test_equal_questions_share_one_judgement(lab):
    """Two tabs with one token, while the keys of its WAF are being fetched."""
    waf = lab.jwks["partner"]
    waf.issuer.rotate()
    token = lab.bearer("partner", "bob@ims.example")
    async with await lab.connect("partner") as one, await lab.connect("partner") as other:
        waf.gate.clear()
        try:
            asked = [(wic, wic.register_request(BOB, token)) for wic in (one, other)]
            for wic, request in asked:
                await wic.send(request.to_bytes())
            assert await asyncio.to_thread(waf.came.acquire, timeout=10)
            # both have been read once their sockets answer
            for wic, _ in asked:
                await wic.ping()
        finally:
            waf.gate.set()
        statuses = [(await wic.answer(request)).status for wic, request in asked]

    call_ids = {wic.call_id for wic, _ in asked}
    judged = [e for e in lab.sidecar.events("register.decided") if e["call_id"] in call_ids]
    assert statuses == [200, 200]
    assert len(judged) == 1
