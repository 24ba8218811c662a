"""What was asked or registered once is not asked or registered again (SX-23)."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from lab.cx import Command


@pytest.fixture
def done_for(lab):
    """Tell how many judgements and SARs there were for a user."""

    def count(user):
        judged = lab.sidecar.events("register.decided")
        commands = lab.core.hss.commands(user.impi)
        return (
            sum(event["impi"] == user.impi for event in judged),
            sum(each.request.command == Command.SERVER_ASSIGNMENT for each in commands),
        )

    return count


async def transactions_end(lab, wic):
    await asyncio.to_thread(
        lab.edge.wait_until,
        lambda: not any(wic.call_id in each["callid"] for each in lab.edge.rpc("tm.list") or ()),
        seconds=10,
        what="end of the transactions",
    )


async def questions_are_taken(lab):
    await asyncio.to_thread(
        lab.edge.wait_until,
        lambda: lab.edge.rpc("mqueue.get_size", "ep_ask")["size"] == 0,
        seconds=5,
        what="empty queue",
    )


def anew(request):
    """The same REGISTER in a new transaction."""
    branch = request.one("Via").rpartition("z9hG4bK")[2]
    return request.parse(str(request).replace(branch, secrets.token_hex(8)).encode())


@pytest.mark.req("SX-23")
async def test_a_retransmission_is_answered_as_the_request_was(lab, user, done_for):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer("portal", user.impi))
        for _ in range(3):
            await wic.send(request.to_bytes())
        first = await wic.answer(request)
        await wic.send(request.to_bytes())
        await wic.answers(request, 2)
        await wic.ping()

        assert {str(answer) for answer in await wic.answers(request, 2)} == {str(first)}
        assert first.status == 200
        assert done_for(user) == (1, 1)


@pytest.mark.req("SX-23")
async def test_a_register_that_is_sent_again_is_not_taken_to_the_core_again(lab, user, done_for):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer("portal", user.impi))
        assert (await wic.ask(request)).status == 200
        # RFC 3261 12.2.2
        assert (await wic.ask(anew(request))).status == 500
        await transactions_end(lab, wic)
        assert (await wic.ask(anew(request))).status == 500
        await wic.send(request.to_bytes())
        again = (await wic.answers(request, 2))[1]

        assert again.status == 500
        assert done_for(user) == (1, 1)
        # what comes next on the connection is served
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200


@pytest.mark.req("SX-23")
async def test_an_older_register_is_not_taken_to_the_core(lab, user, done_for):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        late = wic.register_request(user.impu, bearer)
        assert (await wic.register(user.impu, bearer)).status == 200

        assert (await wic.ask(late)).status == 500
        assert done_for(user) == (1, 1)


@pytest.mark.req("SX-23")
async def test_what_nobody_took_to_the_core_may_be_sent_again(lab, user, done_for):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, None)
        assert (await wic.ask(request)).status == 401

        good = anew(request).plus(f"Authorization: {lab.bearer('portal', user.impi)}")
        assert (await wic.ask(good)).status == 200
        assert done_for(user) == (1, 1)


@pytest.mark.req("SX-23")
async def test_equal_questions_share_one_judgement(lab, user, done_for):
    """Two tabs with one token, while the keys of its WAF are being fetched."""
    waf = lab.jwks["partner"]
    waf.issuer.rotate()
    token = lab.bearer("partner", user.impi)
    async with await lab.connect("partner") as one, await lab.connect("partner") as other:
        waf.gate.clear()
        try:
            asked = [(wic, wic.register_request(user.impu, token)) for wic in (one, other)]
            for wic, request in asked:
                await wic.send(request.to_bytes())
            assert await asyncio.to_thread(waf.came.acquire, timeout=10)
            # both have been read once their sockets answer, and both are with the authorizer
            # once the queue is empty
            for wic, _ in asked:
                await wic.ping()
            await questions_are_taken(lab)
        finally:
            waf.gate.set()
        statuses = [(await wic.answer(request)).status for wic, request in asked]

    assert statuses == [200, 200]
    assert done_for(user)[0] == 1
