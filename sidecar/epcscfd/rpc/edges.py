"""EdgeAdmin: the edges, and what they have been ordered to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from epcscf.admin.v1 import edges_pb2 as pb
from epcscf.admin.v1 import edges_pb2_grpc
from epcscfd.domain.orders import Drain, Order
from epcscfd.errors import InvalidArgument, NotFound
from epcscfd.rpc.convert.fields import last_part, page_size, request_key
from epcscfd.rpc.convert.orders import issued_to_proto


if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import grpc

    from epcscfd.app.orders import OrderPage
    from epcscfd.domain.orders import Issued
    from epcscfd.domain.registration import Boot

USUAL_WAIT = 2.0
LONGEST_WAIT = 60.0
"Seconds."

LONGEST_DRAIN = 86_400


class EdgeStore(Protocol):
    """Knows the edges."""

    async def edges(self) -> Sequence[tuple[Boot, datetime]]:
        """Give those that have ever been here, and when that was last, by node."""
        ...


class OrderList(Protocol):
    """Knows the orders."""

    async def get(self, order_id: str) -> Issued:
        """Give one. Raise NotFound."""
        ...

    async def list(self, size: int, token: str) -> OrderPage:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...


class Desk(Protocol):
    """Has orders carried out."""

    @property
    def here(self) -> frozenset[Boot]:
        """The edges that are connected."""
        ...

    async def issue(self, *wanted: Order) -> None:
        """Write down those that are new, and give them to all edges that are here."""
        ...

    async def confirmed(self, order_id: str, seconds: float) -> Issued:
        """Wait until every edge has confirmed, but *seconds* at the most. Raise NotFound."""
        ...


class EdgeAdmin(edges_pb2_grpc.EdgeAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["EdgeAdmin"].full_name

    def __init__(self, edges: EdgeStore, orders: OrderList, desk: Desk) -> None:
        self._edges = edges
        self._orders = orders
        self._desk = desk

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        edges_pb2_grpc.add_EdgeAdminServicer_to_server(self, server)

    async def ListEdges(  # noqa: N802 - named by the contract
        self,
        request: pb.ListEdgesRequest,
        context: grpc.aio.ServicerContext[pb.ListEdgesRequest, pb.ListEdgesResponse],
    ) -> pb.ListEdgesResponse:
        """List the edges."""
        del request, context
        here = self._desk.here
        # One that has just come may not have been written down.
        known: dict[str, tuple[Boot, datetime | None]] = {boot.node: (boot, None) for boot in here}
        known |= {boot.node: (boot, seen) for boot, seen in await self._edges.edges()}
        answer = pb.ListEdgesResponse()
        for node, (boot, seen) in sorted(known.items()):
            edge = answer.edges.add(
                name=f"edges/{node}", boot_id=boot.boot_id, connected=boot in here
            )
            if seen is not None:
                edge.seen_time.FromDatetime(seen)
        return answer

    async def DrainEdge(  # noqa: N802 - named by the contract
        self,
        request: pb.DrainEdgeRequest,
        context: grpc.aio.ServicerContext[pb.DrainEdgeRequest, pb.Order],
    ) -> pb.Order:
        """Drain an edge, or take that back."""
        del context
        node = last_part("edges/", request.name)
        if not 0 <= request.over.seconds <= LONGEST_DRAIN:
            raise InvalidArgument("over", "must be a day at the longest")
        known = {boot.node for boot, _ in await self._edges.edges()}
        # One that has just come may not have been written down.
        if node not in known | {boot.node for boot in self._desk.here}:
            raise NotFound(request.name)
        order_id = f"drain-{request_key(request.request_id)}"
        await self._desk.issue(Order(order_id, Drain(request.over.seconds), node))
        return issued_to_proto(await self._desk.confirmed(order_id, USUAL_WAIT))

    async def GetOrder(  # noqa: N802 - named by the contract
        self,
        request: pb.GetOrderRequest,
        context: grpc.aio.ServicerContext[pb.GetOrderRequest, pb.Order],
    ) -> pb.Order:
        """Get an order."""
        del context
        return issued_to_proto(await self._orders.get(last_part("orders/", request.name)))

    async def ListOrders(  # noqa: N802 - named by the contract
        self,
        request: pb.ListOrdersRequest,
        context: grpc.aio.ServicerContext[pb.ListOrdersRequest, pb.ListOrdersResponse],
    ) -> pb.ListOrdersResponse:
        """List orders."""
        del context
        page = await self._orders.list(page_size(request), request.page_token)
        shown = map(issued_to_proto, page.orders)
        return pb.ListOrdersResponse(orders=shown, next_page_token=page.next_token)

    async def WaitOrder(  # noqa: N802 - named by the contract
        self,
        request: pb.WaitOrderRequest,
        context: grpc.aio.ServicerContext[pb.WaitOrderRequest, pb.Order],
    ) -> pb.Order:
        """Wait for an order."""
        del context
        wanted = request.timeout.ToTimedelta().total_seconds()
        seconds = wanted if request.HasField("timeout") else USUAL_WAIT
        order_id = last_part("orders/", request.name)
        return issued_to_proto(
            await self._desk.confirmed(order_id, min(max(seconds, 0), LONGEST_WAIT))
        )
