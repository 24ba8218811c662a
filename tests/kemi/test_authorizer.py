from __future__ import annotations

import asyncio
import contextlib
import threading

from concurrent import futures

import grpc
import pytest

from authorizer import conversation as conversation_module
from authorizer import process as process_module
from authorizer.asking import BATCH_BYTES, BATCH_ITEMS
from authorizer.clerk import PATIENCE
from authorizer.conversation import SILENCE_ALLOWED
from authorizer.kamailio import Kamailio
from authorizer.process import Process, run
from authorizer.rows import forward_row
from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import NOW, a_forward, a_policy, a_record
from tests.kemi.scripted import ScriptedSidecar


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(conversation_module, "BACK_OFF", (0.01, 0.02))
    monkeypatch.setattr(process_module, "BEAT_EVERY", 0.005)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
def serve(path):
    """Serve at the path that the authorizer knows."""
    return lambda: ScriptedSidecar(path, a_policy())


@pytest.fixture
async def authorizer(kamailio, path):
    task = asyncio.create_task(Process(kamailio, f"unix:{path}", "edge1").work())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ExceptionGroup):
        await task


async def until(ksr, condition):
    """Wait until *condition* holds; it is looked at whenever something happens at *ksr*."""
    happened = asyncio.Event()
    ksr.on_change = happened.set
    while not condition():
        await happened.wait()
        happened.clear()


def suspend(ksr, count=1, **facts):
    """Suspend REGISTERs of different users; return their transactions."""
    transactions = [f"{number}:0" for number in range(1, count + 1)]
    for transaction in transactions:
        ksr.suspend(transaction, a_record(to=f"sip:u{transaction[:-2]}@ims.example", **facts))
    return transactions


def alive(ksr):
    return ksr.htable.content("ep_pulse") == {"authorizer": 1}


async def test_a_register_is_asked_about_and_resumed_with_its_verdict(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        ksr.suspend("7:9", a_record(door="shop|front|ab12", stamp=f"{int(NOW) - 1}.250000"))
        (question,) = await stream.questions()
        assert question == pb.Question(
            id=question.id,
            door=pb.Door(wwsf="shop", listener="front", client_certificate="ab12"),
            to="sip:alice@ims.example",
            authorization="Bearer t0ken",
            call_id="c1",
            request_domain="ims.example",
            patience_ms=int((PATIENCE - 1) * 1000),
        )
        await stream.answer(a_forward(question.id))
        await until(ksr, lambda: ksr.resumed)

        assert ksr.rows_of("7:9") == [forward_row(a_forward())]


async def test_the_edge_says_who_it_is_and_that_it_has_started(ksr, kamailio, authorizer, serve):
    """Kamailio, that is: what stands there outlives its authorizer."""
    async with serve() as sidecar:
        hellos = [(await sidecar.stream()).hello]
        for other in (kamailio, Kamailio(FakeKsr(clock=lambda: NOW))):
            again = asyncio.create_task(Process(other, f"unix:{sidecar.path}", "edge1").work())
            hellos.append((await sidecar.stream()).hello)
            again.cancel()

    assert [(hello.node, hello.contract) for hello in hellos] == [("edge1", 1)] * 3
    first, restarted, rebooted = (hello.boot_id for hello in hellos)
    assert first == restarted != rebooted
    assert rebooted


async def test_the_policy_is_put_into_force(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        await stream.say(policy=a_policy(revision=8, stamps=(("shop/waf", "2"),)))
        await until(ksr, lambda: ksr.htable.sht_get("ep_state", "revision") == "8")

        assert ksr.htable.content("ep_stamp") == {"shop/waf|2": "1"}


async def test_workers_see_it_alive_once_the_sidecar_answers(ksr, authorizer, serve):
    assert not alive(ksr)
    async with serve():
        await until(ksr, lambda: alive(ksr))


async def test_a_slow_verdict_delays_nobody(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        transactions = suspend(ksr, BATCH_ITEMS)
        slow, *fast = await stream.questions(BATCH_ITEMS)
        await stream.answer(*(a_forward(question.id) for question in fast))
        await until(ksr, lambda: len(ksr.resumed) == len(fast))
        assert ksr.rows_of(transactions[0]) == []

        await stream.answer(a_forward(slow.id))
        await until(ksr, lambda: len(ksr.resumed) == BATCH_ITEMS)


async def test_open_questions_are_asked_again_when_the_sidecar_is_back(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        transactions = suspend(ksr, 3)
        first, *others = await stream.questions(3)
        await stream.answer(a_forward(first.id))
        await until(ksr, lambda: ksr.resumed)
    async with serve() as sidecar:
        stream = await sidecar.stream()
        again = await stream.questions(2)
        assert [question.to for question in again] == [question.to for question in others]
        await stream.answer(*(a_forward(question.id) for question in again))
        await until(ksr, lambda: len(ksr.resumed) == 3)

    assert [len(ksr.rows_of(each)) for each in transactions] == [1, 1, 1]
    assert any("sidecar.lost" in line and "open=2" in line for line in ksr.logged)


@pytest.mark.req("SX-17")
@pytest.mark.parametrize("served", [True, False])
async def test_without_verdicts_everybody_is_resumed_in_time(ksr, authorizer, serve, time, served):
    async with contextlib.AsyncExitStack() as stack:
        if served:
            stream = await (await stack.enter_async_context(serve())).stream()
            stream.echoes = False
            await until(ksr, lambda: alive(ksr))
        transactions = suspend(ksr, 3)
        await until(ksr, lambda: not ksr.mqueue.waiting["ep_ask"])
        time.pass_by(max(PATIENCE, SILENCE_ALLOWED))
        await until(ksr, lambda: len(ksr.resumed) == 3)

    assert [ksr.rows_of(each) for each in transactions] == [[""]] * 3
    # It was given up in a beat that saw the silence.
    assert not alive(ksr)


async def test_a_malformed_record_harms_nobody_else(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        for number, record in enumerate(("", "a|b", None), start=100):
            ksr.suspend(f"{number}:0", record)
        (good,) = suspend(ksr)
        (question,) = await stream.questions()
        await stream.answer(a_forward(question.id))
        await until(ksr, lambda: len(ksr.resumed) == 4)

    assert [ksr.rows_of(f"{number}:0") for number in (100, 101, 102)] == [[""]] * 3
    assert ksr.rows_of(good) == [forward_row(a_forward())]


@pytest.mark.req("SX-17")
async def test_when_something_breaks_everything_open_is_resumed(ksr, authorizer, serve):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        transactions = suspend(ksr, 3)
        await stream.questions(3)
        ksr.mqueue.fault = RuntimeError("no more")
        with pytest.raises(ExceptionGroup) as caught:
            await authorizer

    assert caught.group_contains(RuntimeError, match="no more")
    assert [ksr.rows_of(each) for each in transactions] == [[""]] * 3


async def test_a_policy_that_cannot_be_put_into_force_leaves_nobody_waiting(
    ksr, authorizer, serve
):
    async with serve() as sidecar:
        stream = await sidecar.stream()
        transactions = suspend(ksr, 2)
        await stream.questions(2)
        await stream.say(policy=a_policy(challenges=(("shop", ("a\r\n",)),)))
        with pytest.raises(ExceptionGroup):
            await authorizer

    assert [ksr.rows_of(each) for each in transactions] == [[""]] * 2


async def test_what_exceeds_the_desk_stays_in_the_queue(ksr, authorizer, serve, monkeypatch):
    monkeypatch.setattr(process_module, "OPEN_AT_MOST", 3)
    monkeypatch.setattr(process_module, "BATCH_ITEMS", 1)
    async with serve() as sidecar:
        stream = await sidecar.stream()
        suspend(ksr, 5)
        asked = await stream.questions(3)
        assert len(ksr.mqueue.waiting["ep_ask"]) == 2
        await stream.answer(a_forward(asked[0].id))
        await stream.questions(1)

        assert len(ksr.mqueue.waiting["ep_ask"]) == 1


@pytest.mark.parametrize("outages", [0, 1])
async def test_a_batch_is_bounded_in_items_and_bytes(ksr, authorizer, serve, outages):
    """What is no UTF-8 triples on the way."""
    token = b"Bearer " + b"\xff" * 16_000
    for _ in range(outages):
        async with serve() as sidecar:
            stream = await sidecar.stream()
            suspend(ksr, BATCH_ITEMS, authorization=token)
            await stream.questions(BATCH_ITEMS)
    async with serve() as sidecar:
        stream = await sidecar.stream()
        if not outages:
            suspend(ksr, BATCH_ITEMS, authorization=token)
        left = BATCH_ITEMS
        while left:
            batch = pb.QuestionBatch(questions=await stream.batches.get())
            left -= len(batch.questions)
            # The one that fills it is still in it.
            assert batch.ByteSize() < BATCH_BYTES + 64 * 1024

    assert left == 0


class Answering(control_pb2_grpc.EdgeControlServicer):
    """Forwards everything; for tests that have no loop."""

    def Converse(self, frames, _):  # noqa: N802 - named by the contract
        for frame in frames:
            if frame.WhichOneof("frame") == "hello":
                yield pb.ToEdge(policy=a_policy())
            verdicts = [a_forward(question.id) for question in frame.questions.questions]
            yield pb.ToEdge(verdicts=pb.VerdictBatch(verdicts=verdicts))


@pytest.fixture
def answering(path):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    control_pb2_grpc.add_EdgeControlServicer_to_server(Answering(), server)
    server.add_insecure_port(f"unix:{path}")
    server.start()
    yield
    server.stop(None).wait()


def test_it_can_be_run_again_in_the_same_process(path, answering, time):
    """Kamailio's timer does so when the authorizer has died."""
    for _ in range(2):
        ksr = FakeKsr(clock=time.time)
        transactions = suspend(ksr, 3)

        def die_when_done(ksr=ksr):
            if len(ksr.resumed) == 3:
                ksr.mqueue.fault = RuntimeError("enough")

        ksr.on_change = die_when_done
        with pytest.raises(ExceptionGroup):
            run(ksr, f"unix:{path}", "edge1")

        assert [ksr.rows_of(each) for each in transactions] == [[forward_row(a_forward())]] * 3


def test_it_takes_no_signals(path, answering, time, monkeypatch):
    """They are Kamailio's. A loop of asyncio.run() would take SIGINT."""
    ksr = FakeKsr(clock=time.time)
    ksr.mqueue.fault = RuntimeError("enough")
    taken = []
    monkeypatch.setattr("signal.signal", lambda *what: taken.append(what))
    with pytest.raises(ExceptionGroup):
        run(ksr, f"unix:{path}", "edge1")

    assert taken == []
    assert threading.current_thread() is threading.main_thread()
