"""A caller of PolicyAdmin for tests, with valid messages and one keyword for each deviation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from epcscf.admin.v1 import policy_pb2 as pb
from epcscf.admin.v1 import policy_pb2_grpc
from epcscfd.errors import InvalidArgument


if TYPE_CHECKING:
    from collections.abc import Awaitable

    from epcscfd.app.provisioning import Resource
    from tests.adapters.conftest import Kept


@dataclass
class Admin:
    """A caller, and what the service keeps and tells."""

    stub: policy_pb2_grpc.PolicyAdminAsyncStub
    kept: Kept
    edits: list[tuple[str, str]] = field(default_factory=list)
    bugs: list[tuple[str, Exception]] = field(default_factory=list)

    def edited(self, verb: str, name: str, peer: str) -> None:
        self.edits.append((verb, name))

    async def create_domain(self, domain: str = "home1.net", **fields: Any) -> pb.HomeDomain:
        request = pb.CreateHomeDomainRequest(
            home_domain_id=domain, home_domain=pb.HomeDomain(**fields)
        )
        return await self.stub.CreateHomeDomain(request)

    async def create_entity(self, key: str = "waf", **fields: Any) -> pb.AuthorizationEntity:
        request = pb.CreateAuthorizationEntityRequest(
            authorization_entity_id=key, authorization_entity=an_entity_message(**fields)
        )
        return await self.stub.CreateAuthorizationEntity(request)

    async def create_wwsf(self, key: str = "shop", **fields: Any) -> pb.Wwsf:
        usual = {
            "origins": ["https://shop.example"],
            "authorization_entities": ["authorizationEntities/waf"],
        }
        request = pb.CreateWwsfRequest(wwsf_id=key, wwsf=pb.Wwsf(**(usual | fields)))
        return await self.stub.CreateWwsf(request)

    async def create_subscription(
        self, impi: str = "alice@home1.net", **fields: Any
    ) -> pb.Subscription:
        usual = {"impus": ["sip:alice@home1.net"]}
        request = pb.CreateSubscriptionRequest(
            subscription_id=impi, subscription=pb.Subscription(**(usual | fields))
        )
        return await self.stub.CreateSubscription(request)


def an_entity_message(**fields: Any) -> pb.AuthorizationEntity:
    usual: dict[str, Any] = {
        "issuer": "https://waf.home1.net",
        "location": pb.AuthorizationEntity.OPERATOR,
        "keys": {"jwks_url": "https://waf.home1.net/jwks"},
        "algorithms": ["ES256"],
    }
    return pb.AuthorizationEntity(**(usual | fields))


def vet(resource: Resource) -> None:
    if resource.display_name == "unvettable":
        raise InvalidArgument("keys.pem", "nobody could sign with it")


async def failure_of(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Await *call*, which fails; give code, reason and metadata."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status.details[0].Unpack(info)
    assert info.domain == "epcscf"
    return error.code(), info.reason, dict(info.metadata)
