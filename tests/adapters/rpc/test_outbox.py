"""The outbox keeps one order, and stops the reading of an edge that does not read."""

from __future__ import annotations

import asyncio

from epcscf.control.v1 import control_pb2 as pb
from epcscfd.rpc.outbox import BATCH_LIMIT, ROOM_LIMIT, Outbox


def shape(frame: pb.ToEdge) -> int | str:
    """How many verdicts, or what else."""
    kind = frame.WhichOneof("frame") or ""
    return len(frame.verdicts.verdicts) if kind == "verdicts" else kind


async def everything(outbox: Outbox) -> list[int | str]:
    outbox.close()
    return [shape(frame) async for frame in outbox.frames()]


async def test_verdicts_side_by_side_go_together_and_never_past_anything_else() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.post(pb.Verdict(id=number))
    outbox.post(pb.ToEdge(policy=pb.PolicyView(revision=2)))
    outbox.post(pb.Verdict(id=4))

    assert await everything(outbox) == [3, "policy", 1]


async def test_a_frame_has_a_limit() -> None:
    outbox = Outbox()
    for number in range(BATCH_LIMIT + 1):
        outbox.post(pb.Verdict(id=number))

    assert await everything(outbox) == [BATCH_LIMIT, 1]


async def test_there_is_room_again_once_something_was_taken() -> None:
    outbox = Outbox()
    for _ in range(ROOM_LIMIT):
        outbox.post(pb.ToEdge(echo=pb.Probe()))
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()

    frames = outbox.frames()
    await anext(frames)
    await waiting
    await frames.aclose()
