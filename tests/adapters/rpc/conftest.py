"""Servers on real Unix sockets, in the loop of the test."""

from __future__ import annotations

import shutil
import tempfile

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from epcscf.admin.v1 import policy_pb2_grpc
from epcscfd.rpc.admin import PolicyAdmin
from epcscfd.rpc.server import Endpoint
from epcscfd.rpc.statuses import ErrorStatuses
from tests.adapters.rpc.administer import Admin, vet


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from epcscfd.rpc.server import Service
    from tests.adapters.conftest import Kept


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose name is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="epcscf"))
    yield path
    shutil.rmtree(path)


@dataclass
class Served:
    """A server and a channel to it."""

    endpoint: Endpoint
    channel: grpc.aio.Channel
    bugs: list[tuple[str, Exception]] = field(default_factory=list)


@asynccontextmanager
async def served(directory: Path, *services: Service) -> AsyncIterator[Served]:
    """Serve *services*, and hand out a channel to them."""
    path = str(directory / "test.sock")
    bugs: list[tuple[str, Exception]] = []
    endpoint = Endpoint(path, None, services)
    await endpoint.start(ErrorStatuses(lambda method, error: bugs.append((method, error))))
    await endpoint.set_serving(True)
    async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
        yield Served(endpoint, channel, bugs)
    await endpoint.stop(0)


@pytest_asyncio.fixture
async def admin(directory: Path, kept: Kept) -> AsyncIterator[Admin]:
    edits: list[tuple[str, str]] = []

    class Watch:
        def edited(self, verb: str, name: str, peer: str) -> None:
            edits.append((verb, name))

    async with served(directory, PolicyAdmin(kept.store, Watch(), vet)) as server:
        stub: policy_pb2_grpc.PolicyAdminAsyncStub = policy_pb2_grpc.PolicyAdminStub(
            server.channel
        )
        yield Admin(stub, kept, edits, server.bugs)
