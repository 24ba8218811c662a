"""RegistrationAdmin: who is registered."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscf.admin.v1 import registrations_pb2 as pb
from epcscf.admin.v1 import registrations_pb2_grpc
from epcscfd.app.registrations import Wanted
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.orders import Cut, Order, Target
from epcscfd.domain.policy import Wwsf
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.fields import identity, keys_of, last_part, page_size, request_key
from epcscfd.rpc.convert.orders import issued_to_proto
from epcscfd.rpc.convert.standing import entry_to_proto


if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from epcscfd.app.registrations import RegistrationStore
    from epcscfd.domain.orders import Issued

COLLECTION = "registrations/"

PATIENCE = 2.0
"Seconds that an operator waits for edges to confirm."

CATCHING_UP = 1.0
"Seconds that a reader waits for what has been told to be written."


class Book(Protocol):
    """Who writes what is read here."""

    async def settled(self) -> None:
        """Wait until all that has been heard so far is written."""
        ...


class Desk(Protocol):
    """Who has orders carried out."""

    async def issue(self, *wanted: Order) -> None:
        """Write down those that are new, and give them to all edges that are here."""
        ...

    async def confirmed(self, order_id: str, seconds: float) -> Issued:
        """Wait until every edge has confirmed, but *seconds* at the most. Raise NotFound."""
        ...


class EdgeStore(Protocol):
    """Knows the edges."""

    async def wwsfs_at(self, node: str) -> Sequence[str]:
        """Give the WWSFs of which something stands at *node*."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service needs."""

    store: RegistrationStore
    book: Book
    desk: Desk
    edges: EdgeStore


class RegistrationAdmin(registrations_pb2_grpc.RegistrationAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["RegistrationAdmin"].full_name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        registrations_pb2_grpc.add_RegistrationAdminServicer_to_server(self, server)

    async def ListRegistrations(  # noqa: N802 - named by the contract
        self,
        request: pb.ListRegistrationsRequest,
        context: grpc.aio.ServicerContext[
            pb.ListRegistrationsRequest, pb.ListRegistrationsResponse
        ],
    ) -> pb.ListRegistrationsResponse:
        """List registrations."""
        del context
        size, wanted = page_size(request), _wanted(request)
        await self._catch_up()
        page = await self._parts.store.list(wanted, size, request.page_token)
        shown = map(entry_to_proto, page.entries)
        return pb.ListRegistrationsResponse(registrations=shown, next_page_token=page.next_token)

    async def GetRegistration(  # noqa: N802 - named by the contract
        self,
        request: pb.GetRegistrationRequest,
        context: grpc.aio.ServicerContext[pb.GetRegistrationRequest, pb.Registration],
    ) -> pb.Registration:
        """Get one."""
        del context
        key = last_part(COLLECTION, request.name)
        await self._catch_up()
        return entry_to_proto(await self._parts.store.get(key))

    async def TerminateRegistrations(  # noqa: N802 - named by the contract
        self,
        request: pb.TerminateRegistrationsRequest,
        context: grpc.aio.ServicerContext[
            pb.TerminateRegistrationsRequest, pb.TerminateRegistrationsResponse
        ],
    ) -> pb.TerminateRegistrationsResponse:
        """End registrations."""
        del context
        await self._catch_up()
        cuts, node = await self._cuts(request)
        key = request_key(request.request_id)
        orders = [Order(f"terminate-{key}-{number}", cut, node) for number, cut in enumerate(cuts)]
        desk = self._parts.desk
        await desk.issue(*orders)
        waiting = (desk.confirmed(order.id, PATIENCE) for order in orders)
        done = await asyncio.gather(*waiting)
        return pb.TerminateRegistrationsResponse(orders=map(issued_to_proto, done))

    async def _cuts(self, request: pb.TerminateRegistrationsRequest) -> tuple[list[Cut], str]:
        """Give what has to be cut, and where. Raise InvalidArgument or NotFound."""
        match request.WhichOneof("which"):
            case "name":
                entry = await self._parts.store.get(last_part(COLLECTION, request.name))
                registration = entry.registration
                return [Cut(Target.REGISTRATION, registration.id)], registration.boot.node
            case "impi":
                impi = identity("impi", request.impi, Impi.parse)
                return [Cut(Target.IMPI, str(impi))], request.node
            case "impu":
                impu = identity("impu", request.impu, Impu.parse)
                return [Cut(Target.IMPU, str(impu))], request.node
            case "wwsf":
                (wwsf,) = keys_of(Wwsf, "wwsf", [request.wwsf])
                return [Cut(Target.WWSF, wwsf)], request.node
            case _:
                return await self._cuts_at(request.node), request.node

    async def _cuts_at(self, node: str) -> list[Cut]:
        if not node:
            raise InvalidArgument("which", "needs one of name, impi, impu, wwsf, or a node")
        wwsfs = await self._parts.edges.wwsfs_at(node)
        return [Cut(Target.WWSF, wwsf) for wwsf in wwsfs]

    async def _catch_up(self) -> None:
        try:
            async with asyncio.timeout(CATCHING_UP):
                await self._parts.book.settled()
        except TimeoutError:
            # What is written already is better than nothing.
            return


def _wanted(request: pb.ListRegistrationsRequest) -> Wanted:
    (wwsf,) = keys_of(Wwsf, "wwsf", [request.wwsf]) if request.wwsf else ("",)
    return Wanted(
        impi=str(identity("impi", request.impi, Impi.parse)) if request.impi else "",
        impu=str(identity("impu", request.impu, Impu.parse)) if request.impu else "",
        wwsf=wwsf,
        node=request.node,
        ended=request.show_ended,
    )
