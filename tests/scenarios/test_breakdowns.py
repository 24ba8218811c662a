"""What can go wrong between the question and the answer, on the real parts.

Each breakdown is made (SIGSTOP, SIGKILL, a WAF that does not answer, a closed socket), and
each has an answer: a first sight is put off, what is known goes on, nothing hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest
import websockets

from lab.deployment import Wishes
from lab.wic import Closed


ALICE = "sip:alice@ims.example"
BOB = "sip:bob@ims.example"
CAROL = "sip:carol@ims.example"


def bob(lab, wwsf="portal", **more):
    return lab.bearer(wwsf, "bob@ims.example", **more)


@contextlib.asynccontextmanager
async def connections(lab, count):
    """Hold as many WebSockets of `portal`."""
    async with contextlib.AsyncExitStack() as held:
        yield [await held.enter_async_context(await lab.connect()) for _ in range(count)]


async def send_one_each(lab, wics, first=0):
    """Let a user of its own register on each connection; return them with their requests."""
    asked = []
    for number, wic in enumerate(wics, start=first):
        impi = f"user{number}@ims.example"
        asked.append((wic, wic.register_request(f"sip:{impi}", lab.bearer("portal", impi))))
    for wic, request in asked:
        await wic.send(request.to_bytes())
    return asked


@contextlib.contextmanager
def held_still(lab):
    """Hold the authorizer of *lab* where it is."""
    pid = lab.edge.authorizer_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_full_queue_is_answered_without_waiting(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_QUEUE_MAX": 3}))
    async with connections(lab, 5) as wics:
        with held_still(lab):
            lab.edge.feign_pulse()
            waiting = await send_one_each(lab, wics[:3])
            # workers that look at the same moment let in one more each
            lab.edge.wait_until(
                lambda: lab.edge.rpc("mqueue.get_size", "ep_ask")["size"] == 3,
                seconds=5,
                what="full queue",
            )
            too_many = await send_one_each(lab, wics[3:], first=3)
            refused = [await wic.answer(request) for wic, request in too_many]
        served = [await wic.answer(request) for wic, request in waiting]

        assert [reply.status for reply in refused] == [503, 503]
        assert all(int(reply.one("Retry-After")) > 0 for reply in refused)
        assert [reply.status for reply in served] == [200, 200, 200]
        assert len([line for line in lab.edge.log.lines() if "why=queue_full" in line]) == 2


@pytest.mark.req("SX-17")
async def test_a_suspended_register_that_nobody_resumes_is_put_off(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_JUDGE_TIMEOUT": 1000}))
    async with await lab.connect() as wic:
        with held_still(lab):
            lab.edge.feign_pulse()
            reply = await wic.register(BOB, bob(lab))

        assert reply.status == 503
        assert int(reply.one("Retry-After")) > 0
        assert any("why=no_verdict_in_time" in line for line in lab.edge.log.lines())


@pytest.mark.req("SX-17")
async def test_a_hung_authorizer_is_noticed_and_what_is_known_goes_on(own_lab):
    lab = own_lab()
    known = lab.bearer()
    async with await lab.connect() as wic, await lab.connect() as newcomer:
        assert (await wic.register(ALICE, known)).status == 200
        with held_still(lab):
            lab.edge.wait_until(lambda: not lab.edge.asks, seconds=5, what="end of the pulse")

            assert (await newcomer.register(BOB, bob(lab))).status == 503
            assert any("why=sidecar_down" in line for line in lab.edge.log.lines())
            assert (await wic.register(ALICE, known)).status == 200

        lab.edge.wait_for_policy()
        assert (await newcomer.register(BOB, bob(lab))).status == 200


async def test_kamailio_ends_with_its_authorizer(own_lab):
    lab = own_lab()
    wic = await lab.connect()
    os.kill(lab.edge.authorizer_pid(), signal.SIGKILL)

    assert (await wic.closed()).code == 1006
    lab.edge.expect_end()


@pytest.mark.req("SX-17")
async def test_known_verdicts_outlive_a_killed_sidecar(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_RETRY_AFTER": 1}))
    known = lab.bearer()
    async with await lab.connect() as wic:
        assert (await wic.register(ALICE, known)).status == 200
        lab.sidecar.kill()
        lab.edge.wait_until(lambda: not lab.edge.asks, seconds=5, what="end of the pulse")
        put_off = await wic.register(BOB, bob(lab))
        assert put_off.status == 503
        assert (await wic.register(ALICE, known)).status == 200
        # who was put off is asked to come back: by a 200 meanwhile he is not
        again = await lab.connect()
        assert (await again.register(BOB, bob(lab))).status == 503
        assert await again.closed() == Closed(1013, "try again later")

        lab.sidecar.start()
        lab.edge.wait_for_policy()
    async with await lab.connect() as wic:
        assert (await wic.register(BOB, bob(lab))).status == 200


async def test_a_question_that_was_open_is_asked_again_of_a_restarted_sidecar(own_lab):
    lab = own_lab()
    lab.jwks["partner"].gate.clear()
    async with await lab.connect("partner") as wic:
        request = wic.register_request(BOB, bob(lab, "partner"))
        await wic.send(request.to_bytes())
        assert await asyncio.to_thread(lab.jwks["partner"].came.acquire, timeout=10)
        lab.sidecar.kill()
        lab.jwks["partner"].gate.set()
        lab.sidecar.start()

        assert (await wic.answer(request)).status == 200


@pytest.mark.req("SX-17")
async def test_without_a_sidecar_kamailio_starts_and_recovers_by_itself(own_lab):
    lab = own_lab()
    lab.sidecar.stop()
    lab.edge.stop()
    lab.edge.start()
    with pytest.raises(websockets.InvalidStatus) as refused:
        await lab.connect()
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0

    lab.sidecar.start()
    lab.edge.wait_for_policy()
    async with await lab.connect() as wic:
        assert (await wic.register(ALICE, lab.bearer())).status == 200


async def test_a_late_verdict_serves_the_next_try(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_JUDGE_TIMEOUT": 1000}))
    token = lab.bearer()
    async with await lab.connect() as wic:
        lab.sidecar.freeze()
        lab.edge.feign_pulse()
        assert (await wic.register(ALICE, token)).status == 503
        lab.sidecar.thaw()
        lab.edge.wait_until(
            lambda: bool(lab.edge.rows("ep_verdict")), seconds=5, what="verdict of the late answer"
        )
        lab.sidecar.log.wait_for(decided, seconds=5, what="decision in the log")

        assert (await wic.register(ALICE, token)).status == 200
        assert len(lab.sidecar.events("register.decided")) == 1


async def test_a_frozen_sidecar_costs_new_clients_no_waiting(own_lab):
    lab = own_lab()
    async with await lab.connect() as wic:
        lab.sidecar.freeze()
        lab.edge.wait_until(lambda: not lab.edge.asks, seconds=8, what="end of the pulse")
        mark = lab.edge.log.mark()
        assert (await wic.register(ALICE, lab.bearer())).status == 503
        assert any("why=sidecar_down" in line for line in lab.edge.log.lines(mark))

        lab.sidecar.thaw()
        lab.edge.wait_for_policy()
        assert (await wic.register(ALICE, lab.bearer())).status == 200


async def test_a_poisoned_register_spoils_only_itself(lab):
    async with connections(lab, 4) as wics, await lab.connect() as attacker:
        poison = attacker.register_request(BOB, "Bearer POISON")
        before = await send_one_each(lab, wics[:2])
        await attacker.send(poison.to_bytes().replace(b"POISON", b"\xff\xfe\xf0|\x80|"))
        after = await send_one_each(lab, wics[2:], first=2)
        statuses = [(await wic.answer(request)).status for wic, request in before + after]

        assert statuses == [200, 200, 200, 200]
        assert (await attacker.answer(poison)).status == 400
        assert await attacker.closed() == Closed(1008, "policy violation")


async def test_one_slow_verdict_delays_none_of_127_others(lab):
    """The WAF of the slow one answers when all others have been answered, not before."""
    slow_waf = lab.jwks["partner"]
    slow_waf.issuer.rotate()
    async with connections(lab, 127) as wics, await lab.connect("partner") as slow:
        slow_waf.gate.clear()
        try:
            pending = slow.register_request(BOB, bob(lab, "partner"))
            await slow.send(pending.to_bytes())
            assert await asyncio.to_thread(slow_waf.came.acquire, timeout=10)
            fast = await send_one_each(lab, wics)
            statuses = [(await wic.answer(request)).status for wic, request in fast]

            assert statuses == [200] * 127
            assert not [m for m in slow.heard if (m.status or 0) >= 200]
        finally:
            slow_waf.gate.set()
        assert (await slow.answer(pending)).status == 200


async def test_a_socket_that_closed_while_judged_is_not_registered(lab):
    waf = lab.jwks["partner"]
    waf.issuer.rotate()
    waf.gate.clear()
    wic = await lab.connect("partner")
    mark, edge_mark = lab.core.scscf.mark(), lab.edge.log.mark()
    request = wic.register_request(CAROL, lab.bearer("partner", "carol@ims.example"))
    await wic.send(request.to_bytes())
    assert await asyncio.to_thread(waf.came.acquire, timeout=10)
    await wic.abort()
    lab.edge.wait_until(lambda: no_door(lab, "partner"), seconds=5, what="end of the socket")
    waf.gate.set()

    lab.edge.log.wait_for(
        lambda line: "register.abandoned" in line or None,
        seconds=5,
        what="register.abandoned",
        since=edge_mark,
    )
    assert [m for m in lab.core.scscf.wire(since=mark) if CAROL in m.one("To")] == []


async def test_a_socket_that_closed_before_the_200_is_taken_back_at_the_core(own_lab):
    lab = own_lab()
    scscf = lab.core.scscf
    wic = await lab.connect()
    scscf.process.freeze()
    request = wic.register_request(CAROL, lab.bearer("portal", "carol@ims.example"))
    await wic.send(request.to_bytes())
    lab.edge.wait_until(
        lambda: bool(lab.edge.rows("ep_sequence")),
        seconds=5,
        what="REGISTER on its way to the core",
    )
    await wic.abort()
    lab.edge.wait_until(
        lambda: not lab.edge.rows("ep_door"), seconds=5, what="end of the connection"
    )
    scscf.process.thaw()

    undone = scscf.wait_for_register(lambda m: m.one("Expires") == "0")
    assert CAROL in undone.one("To")
    scscf.wait_until_gone(CAROL)
    assert lab.edge.rows("ep_flow") == {}


def decided(line):
    return "register.decided" in line or None


def no_door(lab, wwsf):
    doors = lab.edge.rows("ep_door").values()
    return not any(str(door).startswith(f"{wwsf}|") for door in doors)
