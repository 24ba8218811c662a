from __future__ import annotations

import asyncio
import contextlib

import pytest

from authorizer import conversation as conversation_module
from authorizer.conversation import OUTAGE_ALLOWED, SILENCE_ALLOWED, Conversation
from epcscf.control.v1 import control_pb2 as pb
from tests.kemi.builders import a_forward, a_policy
from tests.kemi.scripted import ScriptedSidecar


HELLO = pb.Hello(node="edge1", boot_id="b1", contract=1)


class Ear:
    """Notes what it is told, in order."""

    def __init__(self):
        self._heard = asyncio.Queue()

    async def hears(self, kind):
        """Return what comes next, which must be of this kind."""
        heard, what = await self._heard.get()

        assert heard == kind
        return what

    async def hears_it_connect(self):
        await self.hears("policy")
        await self.hears("connected")

    def connected(self):
        self._heard.put_nowait(("connected", None))

    def policy(self, view):
        self._heard.put_nowait(("policy", view))

    def verdicts(self, batch):
        self._heard.put_nowait(("verdicts", list(batch)))

    def lost(self, why):
        self._heard.put_nowait(("lost", why))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(conversation_module, "BACK_OFF", (0.01, 0.02))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


@pytest.fixture
async def sidecar(path):
    async with ScriptedSidecar(path, a_policy()) as serving:
        yield serving


@pytest.fixture
async def ear():
    return Ear()


@pytest.fixture
async def conversation(path, ear):
    kept = Conversation(f"unix:{path}", HELLO, ear)
    task = asyncio.create_task(kept.keep())
    yield kept
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def questions(*numbers):
    batch = pb.QuestionBatch(questions=[pb.Question(id=number) for number in numbers])
    return pb.FromEdge(questions=batch)


async def test_it_says_hello_and_hears_the_policy_before_it_is_connected(
    sidecar, conversation, ear
):
    stream = await sidecar.stream()

    assert stream.hello == HELLO
    assert await ear.hears("policy") == a_policy()
    await ear.hears("connected")


async def test_it_hears_what_is_said_later(sidecar, conversation, ear):
    stream = await sidecar.stream()
    await ear.hears_it_connect()
    await stream.answer(a_forward(1), a_forward(2))
    await stream.say(policy=a_policy(revision=8))

    assert await ear.hears("verdicts") == [a_forward(1), a_forward(2)]
    assert await ear.hears("policy") == a_policy(revision=8)


async def test_it_says_what_it_is_told_in_order(sidecar, conversation, ear):
    stream = await sidecar.stream()
    await ear.hears_it_connect()
    for number in range(20):
        conversation.say(questions(number))

    assert [each.id for each in await stream.questions(20)] == list(range(20))


async def test_a_frame_of_a_later_contract_is_passed_over(sidecar, conversation, ear):
    stream = await sidecar.stream()
    await ear.hears_it_connect()
    await stream.say()
    await stream.answer(a_forward(1))

    assert await ear.hears("verdicts") == [a_forward(1)]


async def test_a_policy_of_many_megabytes_is_heard(path, conversation, ear):
    origins = [(f"https://{'x' * 60}{number}.example", "shop") for number in range(80_000)]
    large = a_policy(origins=origins)
    assert large.ByteSize() > 1 << 22
    async with ScriptedSidecar(path, large):
        assert await ear.hears("policy") == large


async def test_without_a_sidecar_nobody_is_asked(conversation):
    assert not conversation.answering
    conversation.say(questions(1))
    assert not conversation.answering


@pytest.mark.req("SX-17")
async def test_a_short_outage_is_bridged_and_a_long_one_is_not(path, conversation, ear, time):
    async with ScriptedSidecar(path, a_policy()):
        await ear.hears_it_connect()
        assert conversation.answering
    await ear.hears("lost")

    time.pass_by(OUTAGE_ALLOWED * 0.9)
    assert conversation.answering
    time.pass_by(OUTAGE_ALLOWED * 0.2)
    assert not conversation.answering


@pytest.mark.parametrize("outages", [1, 3])
async def test_a_sidecar_that_comes_back_is_found(path, conversation, ear, outages):
    for _ in range(outages):
        async with ScriptedSidecar(path, a_policy()):
            await ear.hears_it_connect()
        await ear.hears("lost")
    async with ScriptedSidecar(path, a_policy()) as sidecar:
        await ear.hears_it_connect()
        conversation.say(questions(5))

        assert [each.id for each in await (await sidecar.stream()).questions()] == [5]


async def test_a_stream_that_is_ended_in_good_order_is_opened_again(sidecar, conversation, ear):
    for _ in range(2):
        stream = await sidecar.stream()
        await ear.hears_it_connect()
        stream.ended.set()
        assert await ear.hears("lost") == "closed"


async def test_what_was_said_to_a_stream_that_broke_is_not_said_to_the_next(
    path, conversation, ear
):
    """The listener asks again; said twice, it would be judged twice."""
    async with ScriptedSidecar(path, a_policy()):
        await ear.hears_it_connect()
    await ear.hears("lost")
    conversation.say(questions(1))
    async with ScriptedSidecar(path, a_policy()) as sidecar:
        await ear.hears_it_connect()
        conversation.say(questions(2))

        assert [each.id for each in await (await sidecar.stream()).questions()] == [2]


@pytest.mark.parametrize("frames", [1, 50])
async def test_a_stream_may_end_while_something_is_said(sidecar, conversation, ear, frames):
    for _ in range(3):
        stream = await sidecar.stream()
        await ear.hears_it_connect()
        for number in range(frames):
            conversation.say(questions(number))
        stream.ended.set()
        # gRPC calls it an error if it was writing just then.
        assert await ear.hears("lost") in {"closed", "INTERNAL"}


@pytest.mark.req("SX-17")
async def test_a_frozen_sidecar_is_known_by_its_silence(sidecar, conversation, ear, time):
    stream = await sidecar.stream()
    stream.echoes = False
    await ear.hears_it_connect()
    time.pass_by(SILENCE_ALLOWED * 0.9)
    assert conversation.answering
    time.pass_by(SILENCE_ALLOWED * 0.2)
    assert not conversation.answering

    # It thaws.
    await stream.answer(a_forward(1))
    await ear.hears("verdicts")
    assert conversation.answering


async def test_an_echo_shows_that_the_other_side_answers(
    sidecar, conversation, ear, time, monkeypatch
):
    monkeypatch.setattr(conversation_module, "PROBE_EVERY", 0.01)
    stream = await sidecar.stream()
    await ear.hears_it_connect()
    time.pass_by(SILENCE_ALLOWED)
    first = await stream.probes.get()

    # When this one comes, the echo of the one before it has been heard.
    while await stream.probes.get() < first + 2:
        pass
    assert conversation.answering


async def test_it_probes_while_it_asks_too(sidecar, conversation, ear, monkeypatch):
    """Slow verdicts alone, with questions that keep coming, must not look like a death."""
    monkeypatch.setattr(conversation_module, "PROBE_EVERY", 0.05)
    stream = await sidecar.stream()
    await ear.hears_it_connect()

    async def ask():
        while True:
            conversation.say(questions(1))
            await asyncio.sleep(0.002)

    asking = asyncio.create_task(ask())
    probed = [await stream.probes.get() for _ in range(3)]
    asking.cancel()

    assert probed == [1, 2, 3]
