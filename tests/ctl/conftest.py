"""A real sidecar in the loop of the test, and the command line in a thread beside it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile

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
from epcscfctl.main import cli
from epcscfd.main.serve import Sidecar
from epcscfd.settings import Settings
from tests.fakes.database import make_migrated
from tests.fakes.log import logging_as


if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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

    def file(self, name: str, text: str) -> str:
        """Write *text* to a file; give its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_migrated(tmp_path_factory.mktemp("migrated"))


@pytest_asyncio.fixture
async def operator(migrated: Path) -> AsyncIterator[Operator]:
    directory = Path(tempfile.mkdtemp(prefix="epcscf"))
    shutil.copy(migrated, directory)
    settings = msgspec.convert(
        {
            "judge": {"audience": "epcscf.ims.example"},
            "control": {"socket": f"{directory}/control.sock"},
            "admin": {"socket": f"{directory}/admin.sock"},
            "store": {"url": f"sqlite+aiosqlite:///{directory}/{migrated.name}"},
        },
        Settings,
    )
    with logging_as("json"):
        sidecar = Sidecar(settings, CollectorRegistry())
        await sidecar.start()
        yield Operator(directory, sidecar)
        await sidecar.stop()
    shutil.rmtree(directory)
