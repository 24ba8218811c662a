"""Listeners: one server per socket, for those whom the permissions admit, and mTLS beyond."""

from __future__ import annotations

import socket
import stat

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # no types
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # ships no types
    reflection_pb2,
    reflection_pb2_grpc,
)

from epcscf.admin.v1 import decisions_pb2, decisions_pb2_grpc
from epcscfd.errors import ConfigError
from epcscfd.rpc.decisions import DecisionAdmin
from epcscfd.rpc.server import Endpoint
from epcscfd.rpc.statuses import ErrorStatuses
from lab.certificates import Authority
from tests.adapters.rpc.conftest import served


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from epcscfd.domain.judgement import Judgement
    from lab.certificates import Credential

States = health_pb2.HealthCheckResponse


class Nothing:
    """Remembers nothing."""

    def newest_first(self) -> Iterator[Judgement]:
        return iter(())


SERVICE = DecisionAdmin(Nothing())


@dataclass
class Listener:
    listen: str
    certificate_file: str
    key_file: str
    client_ca_file: str


def statuses() -> ErrorStatuses:
    return ErrorStatuses(lambda method, error: pytest.fail(f"{method}: {error}"))


async def health_of(channel: grpc.aio.Channel, service: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def test_owner_and_group_may_connect_and_nobody_else(directory: Path) -> None:
    async with served(directory, SERVICE):
        mode = (directory / "test.sock").stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


async def test_a_second_server_does_not_take_the_socket_away(directory: Path) -> None:
    async with served(directory, SERVICE) as server:
        second = Endpoint(str(directory / "test.sock"), None, [SERVICE])
        with pytest.raises(ConfigError, match="another process"):
            await second.start(statuses())
        await second.stop(0)

        assert await health_of(server.channel, "") == States.SERVING


async def test_after_the_first_has_ended_a_second_may_serve(directory: Path) -> None:
    async with served(directory, SERVICE):
        pass
    async with served(directory, SERVICE) as server:
        assert await health_of(server.channel, "") == States.SERVING


async def test_a_socket_that_somebody_left_is_taken_over(directory: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(directory / "test.sock"))
    left.close()

    async with served(directory, SERVICE) as server:
        assert await health_of(server.channel, "") == States.SERVING


async def test_a_directory_that_is_not_there_is_a_matter_of_settings(directory: Path) -> None:
    endpoint = Endpoint(str(directory / "nowhere" / "test.sock"), None, [SERVICE])

    with pytest.raises(ConfigError, match=r"nowhere/test\.sock"):
        await endpoint.start(statuses())
    await endpoint.stop(0)


async def test_health_is_told_per_service(directory: Path) -> None:
    async with served(directory, SERVICE) as server:
        for service in ("", "epcscf.admin.v1.DecisionAdmin"):
            assert await health_of(server.channel, service) == States.SERVING
        await server.endpoint.set_serving(False)
        for service in ("", "epcscf.admin.v1.DecisionAdmin"):
            assert await health_of(server.channel, service) == States.NOT_SERVING


async def services_seen(channel: grpc.aio.Channel) -> set[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    answer = await call.read()
    return {service.name for service in answer.list_services_response.service}


async def test_services_on_the_machine_can_be_explored(directory: Path) -> None:
    async with served(directory, SERVICE) as server:
        seen = await services_seen(server.channel)

    assert {"epcscf.admin.v1.DecisionAdmin", "grpc.health.v1.Health"} <= seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Network:
    """A server on the network, and who knows whom."""

    listen: str
    ours: Authority
    strangers: Authority

    def channel(self, client: Credential | None) -> grpc.aio.Channel:
        root = self.ours.certificate.read_bytes()
        if client is None:
            return grpc.aio.secure_channel(self.listen, grpc.ssl_channel_credentials(root))
        shown = (client.key.read_bytes(), client.certificate.read_bytes())
        return grpc.aio.secure_channel(self.listen, grpc.ssl_channel_credentials(root, *shown))


@pytest_asyncio.fixture
async def network(directory: Path, tmp_path: Path) -> AsyncIterator[Network]:
    ours = Authority(tmp_path / "ours")
    server = ours.issue_server()
    listen = f"127.0.0.1:{free_port()}"
    tcp = Listener(listen, str(server.certificate), str(server.key), str(ours.certificate))
    endpoint = Endpoint(str(directory / "test.sock"), tcp, [SERVICE])
    await endpoint.start(statuses())
    yield Network(listen, ours, Authority(tmp_path / "strangers"))
    await endpoint.stop(0)


async def ask(channel: grpc.aio.Channel) -> None:
    stub: decisions_pb2_grpc.DecisionAdminAsyncStub = decisions_pb2_grpc.DecisionAdminStub(channel)
    await stub.ListDecisions(decisions_pb2.ListDecisionsRequest())


async def test_the_network_admits_who_shows_a_certificate_of_our_authority(
    network: Network,
) -> None:
    async with network.channel(network.ours.issue_client("operator")) as channel:
        await ask(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await services_seen(channel)

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_network_admits_nobody_else(network: Network) -> None:
    for client in (None, network.strangers.issue_client("operator")):
        async with network.channel(client) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(channel)

        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
