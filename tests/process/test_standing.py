"""The real process is killed: the copy, revocations, orders and events are still there."""

from __future__ import annotations

import asyncio
import json

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from epcscf.control.v1 import registrations_pb2 as told
from lab.sidecar import Sidecar
from tests.ctl.conftest import ALICE, EdgeStream


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    run_dir: Path = tmp_path_factory.mktemp("run")
    with Sidecar(run_dir) as sidecar:
        yield sidecar


@asynccontextmanager
async def edge(sidecar: Sidecar) -> AsyncIterator[EdgeStream]:
    async with grpc.aio.insecure_channel(f"unix:{sidecar.control_socket}") as channel:
        stub: control_pb2_grpc.EdgeControlAsyncStub = control_pb2_grpc.EdgeControlStub(channel)
        stream = EdgeStream(stub.Converse())
        await stream.say(hello=pb.Hello(node="edge1", boot_id="b1", contract=1))
        await stream.hear()
        yield stream


async def ctl(sidecar: Sidecar, *words: str) -> Any:
    return await asyncio.to_thread(sidecar.ctl_json, *words)


@pytest.mark.req("SX-28")
async def test_what_stands_survives_kill_9(sidecar: Sidecar) -> None:
    async with edge(sidecar) as stream:
        await stream.stands()
        await stream.stands(id="2", impi="bob@ims.example")
        before = await ctl(sidecar, "registrations", "list")
        sidecar.kill()
    sidecar.start()

    after = await ctl(sidecar, "registrations", "list")
    assert after == before
    assert len(after) == 2
    # Bob went while nobody listened: the edge's roll says so.
    async with edge(sidecar) as stream:
        roll = told.Roll(registrations=[told.Registration(**ALICE)], complete=True)
        await stream.say(roll=roll)
        await stream.echo()
        (left,) = await ctl(sidecar, "registrations", "list")
    assert left["impi"] == "alice@ims.example"


async def test_what_is_revoked_survives_kill_9(sidecar: Sidecar) -> None:
    words = ("revocations", "create", "--impi", "alice@ims.example", "--note", "stolen")
    await ctl(sidecar, *words)
    sidecar.kill()
    sidecar.start()

    (kept,) = await ctl(sidecar, "revocations", "list")
    assert (kept["impi"], kept["note"]) == ("alice@ims.example", "stolen")


async def test_an_order_that_was_not_confirmed_survives_kill_9(sidecar: Sidecar) -> None:
    async with edge(sidecar) as stream:
        await stream.stands()
    with pytest.raises(RuntimeError, match="not confirmed everywhere"):
        await ctl(sidecar, "registrations", "terminate", "-y", "--impi", "alice@ims.example")
    sidecar.kill()
    sidecar.start()

    async with edge(sidecar) as stream:
        frame = await stream.hear()
    assert frame.orders.orders[0].cut.impi == "alice@ims.example"


@pytest.mark.req("S003-3")
async def test_events_survive_kill_9_and_are_numbered_on(sidecar: Sidecar) -> None:
    async def release(name: str) -> None:
        async with edge(sidecar) as stream:
            await stream.stands(id=name, impi=f"{name}@ims.example")
            ended = told.Report(ended=told.Ended(id=name, cause=told.CAUSE_CLIENT))
            await stream.say(reports=told.ReportBatch(reports=[ended]))
            await stream.echo()
            await ctl(sidecar, "registrations", "list")

    await release("alice")
    sidecar.kill()
    sidecar.start()
    await release("bob")

    watch = ("--output", "json", "events", "watch", "--from", "oldest", "--count", "2")
    lines = (await asyncio.to_thread(sidecar.ctl, *watch)).splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(each["sequence"], each["impi"]) for each in found] == [
        ("1", "alice@ims.example"),
        ("2", "bob@ims.example"),
    ]
