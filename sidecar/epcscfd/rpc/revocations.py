"""RevocationAdmin: tokens that are refused although they have not expired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from google.protobuf import empty_pb2

from epcscf.admin.v1 import revocations_pb2 as pb
from epcscf.admin.v1 import revocations_pb2_grpc
from epcscfd.rpc.convert.fields import last_part, page_size, request_key
from epcscfd.rpc.convert.orders import issued_to_proto
from epcscfd.rpc.convert.revocations import Moment, revocation_from_proto, revocation_to_proto


if TYPE_CHECKING:
    import grpc

    from epcscfd.app.revocation import RevocationPage
    from epcscfd.domain.orders import Issued
    from epcscfd.domain.revocation import Revocation
    from epcscfd.ports import Clock, PolicySource

PATIENCE = 2.0
"Seconds that an operator waits for edges to confirm."

COLLECTION = "revocations/"


class RevocationList(Protocol):
    """Knows the revocations."""

    async def get(self, id_: str) -> Revocation:
        """Give one. Raise NotFound."""
        ...

    async def list(self, size: int, token: str) -> RevocationPage:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...


class Desk(Protocol):
    """Who revokes."""

    async def revoke(self, revocation: Revocation) -> Revocation:
        """Refuse from now on what *revocation* is about, and cut off who came in by it."""
        ...

    async def take_back(self, id_: str) -> None:
        """Honour again what the revocation *id_* was about. Raise NotFound."""
        ...


class Orders(Protocol):
    """Who has orders carried out."""

    async def confirmed(self, order_id: str, seconds: float) -> Issued:
        """Wait until every edge has confirmed, but *seconds* at the most. Raise NotFound."""
        ...


class RevocationWatch(Protocol):
    """Is told who revokes what."""

    def revoked(self, revocation: Revocation, peer: str) -> None:
        """Note a revocation."""
        ...

    def taken_back(self, id_: str, peer: str) -> None:
        """Note that one was taken back."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service needs."""

    list: RevocationList
    desk: Desk
    orders: Orders
    policies: PolicySource
    clock: Clock
    watch: RevocationWatch


class RevocationAdmin(revocations_pb2_grpc.RevocationAdminServicer):
    """Serves operators and authorization servers."""

    full_name = pb.DESCRIPTOR.services_by_name["RevocationAdmin"].full_name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        revocations_pb2_grpc.add_RevocationAdminServicer_to_server(self, server)

    async def CreateRevocation(  # noqa: N802 - named by the contract
        self,
        request: pb.CreateRevocationRequest,
        context: grpc.aio.ServicerContext[pb.CreateRevocationRequest, pb.CreateRevocationResponse],
    ) -> pb.CreateRevocationResponse:
        """Revoke, and cut off."""
        parts = self._parts
        moment = Moment(parts.policies.current(), parts.clock.now())
        id_ = request_key(request.request_id)
        revocation = revocation_from_proto(id_, request.revocation, moment)
        kept = await parts.desk.revoke(revocation)
        parts.watch.revoked(kept, context.peer())
        order = await parts.orders.confirmed(kept.cut.id, PATIENCE)
        return pb.CreateRevocationResponse(
            revocation=revocation_to_proto(kept), order=issued_to_proto(order)
        )

    async def GetRevocation(  # noqa: N802 - named by the contract
        self,
        request: pb.GetRevocationRequest,
        context: grpc.aio.ServicerContext[pb.GetRevocationRequest, pb.Revocation],
    ) -> pb.Revocation:
        """Get one."""
        del context
        id_ = last_part(COLLECTION, request.name)
        return revocation_to_proto(await self._parts.list.get(id_))

    async def ListRevocations(  # noqa: N802 - named by the contract
        self,
        request: pb.ListRevocationsRequest,
        context: grpc.aio.ServicerContext[pb.ListRevocationsRequest, pb.ListRevocationsResponse],
    ) -> pb.ListRevocationsResponse:
        """List them."""
        del context
        page = await self._parts.list.list(page_size(request), request.page_token)
        shown = map(revocation_to_proto, page.revocations)
        return pb.ListRevocationsResponse(revocations=shown, next_page_token=page.next_token)

    async def DeleteRevocation(  # noqa: N802 - named by the contract
        self,
        request: pb.DeleteRevocationRequest,
        context: grpc.aio.ServicerContext[pb.DeleteRevocationRequest, empty_pb2.Empty],
    ) -> empty_pb2.Empty:
        """Take one back."""
        id_ = last_part(COLLECTION, request.name)
        await self._parts.desk.take_back(id_)
        self._parts.watch.taken_back(id_, context.peer())
        return empty_pb2.Empty()
