"""A real sidecar in the loop of the test, and the command line in a thread beside it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
import pytest_asyncio

from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from epcscf.control.v1 import registrations_pb2 as pb_registrations
from epcscfctl.main import cli
from epcscfd.main.serve import Sidecar
from epcscfd.settings import Settings
from tests.fakes.database import make_migrated
from tests.fakes.log import logging_as


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOMORROW = int(time.time()) + 86_400
ALICE = {
    "id": "c1|alice",
    "connection": "c1",
    "wwsf": "shop",
    "scope": "shop/waf",
    "impi": "alice@ims.example",
    "impu": "sip:alice@ims.example",
    "identities": ["sip:alice@ims.example"],
    "subject": "5" * 64,
    "token_id": "7" * 64,
    "token_expires_at": TOMORROW,
    "expires_at": TOMORROW,
    "contact": "sip:a1@x7.invalid;transport=ws",
    "decision_id": "d0b93959ff17",
}
"A registration as an edge tells it."


@dataclass
class EdgeStream:
    """The edge's end of a conversation."""

    call: Any

    async def say(self, **frame: Any) -> None:
        """Send a frame."""
        await self.call.write(pb.FromEdge(**frame))

    async def hear(self) -> pb.ToEdge:
        """Wait for the next frame."""
        frame: pb.ToEdge = await self.call.read()
        return frame

    async def echo(self) -> None:
        """Wait until the sidecar has read all that was said. Reads what comes before."""
        await self.say(probe=pb.Probe(number=1))
        while (await self.hear()).WhichOneof("frame") != "echo":
            pass

    async def stands(self, **changes: Any) -> None:
        """Report a registration of Alice's, or what *changes* make of it."""
        told = pb_registrations.Registration(**(ALICE | changes))
        reports = pb_registrations.ReportBatch(reports=[pb_registrations.Report(stands=told)])
        await self.say(reports=reports)
        await self.echo()


@dataclass
class Operator:
    """Sits in front of a terminal."""

    directory: Path
    sidecar: Sidecar

    async def run(self, *words: str, typed: str = "", succeed: bool = True) -> Result:
        """Run the command line on the admin socket."""
        result = await self.run_bare(
            "--socket", f"{self.directory}/admin.sock", *words, typed=typed
        )
        assert (result.exit_code == 0) is succeed, result.output
        return result

    async def run_bare(self, *words: str, typed: str = "") -> Result:
        """Run it as it is."""
        return await asyncio.to_thread(
            CliRunner().invoke, cli, words, input=typed, prog_name="epcscfctl", terminal_width=200
        )

    async def press_tab(self, line: str, shell: str = "bash") -> list[str]:
        """What *shell* is told to offer after *line*, on the admin socket."""
        return await press_tab(f"--socket {self.directory}/admin.sock {line}", shell)

    async def ask(self, question: pb.Question) -> pb.Verdict:
        """Ask the sidecar as an edge would."""
        async with grpc.aio.insecure_channel(f"unix:{self.directory}/control.sock") as channel:
            stub: control_pb2_grpc.EdgeControlAsyncStub = control_pb2_grpc.EdgeControlStub(channel)
            call: Any = stub.Converse()
            await call.write(pb.FromEdge(hello=pb.Hello(node="e", boot_id="b", contract=1)))
            await call.read()
            await call.write(pb.FromEdge(questions=pb.QuestionBatch(questions=[question])))
            frame = await call.read()
            await call.done_writing()
            verdict: pb.Verdict = frame.verdicts.verdicts[0]
            return verdict

    @asynccontextmanager
    async def edge(self, node: str = "edge1", boot_id: str = "b1") -> AsyncIterator[EdgeStream]:
        """Talk to the sidecar as an edge would; the view has been read."""
        async with grpc.aio.insecure_channel(f"unix:{self.directory}/control.sock") as channel:
            stub: control_pb2_grpc.EdgeControlAsyncStub = control_pb2_grpc.EdgeControlStub(channel)
            stream = EdgeStream(stub.Converse())
            await stream.say(hello=pb.Hello(node=node, boot_id=boot_id, contract=1))
            await stream.hear()
            yield stream

    def file(self, name: str, text: str) -> str:
        """Write *text* to a file; give its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)


async def press_tab(line: str, shell: str = "bash") -> list[str]:
    """What *shell* is told to offer after *line*; nothing else is said."""
    line = f"epcscfctl {line}"
    variables = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - (not line.endswith(" "))),
        "_EPCSCFCTL_COMPLETE": f"{shell}_complete",
    }
    runner = CliRunner(env=variables)
    done = await asyncio.to_thread(runner.invoke, cli, prog_name="epcscfctl")
    assert (done.exit_code, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_migrated(tmp_path_factory.mktemp("migrated"))


@asynccontextmanager
async def operating(migrated: Path, **more: Any) -> AsyncIterator[Operator]:
    """An operator at a sidecar with *more* settings."""
    directory = Path(tempfile.mkdtemp(prefix="epcscf"))
    shutil.copy(migrated, directory)
    settings = msgspec.convert(
        {
            "judge": {"audience": "epcscf.ims.example"},
            "control": {"socket": f"{directory}/control.sock"},
            "admin": {"socket": f"{directory}/admin.sock"},
            "store": {"url": f"sqlite+aiosqlite:///{directory}/{migrated.name}"},
            "events": {"http_to_loopback": True},
            **more,
        },
        Settings,
    )
    with logging_as("json"):
        sidecar = Sidecar(settings, CollectorRegistry())
        await sidecar.start()
        yield Operator(directory, sidecar)
        await sidecar.stop()
    shutil.rmtree(directory)


@pytest_asyncio.fixture
async def operator(migrated: Path) -> AsyncIterator[Operator]:
    async with operating(migrated) as operator:
        yield operator
