"""BlockAdmin: how blocks stand, and the passwords of their web servers."""

from __future__ import annotations

import re

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from epcscf.admin.v1 import blocks_pb2 as pb
from epcscf.admin.v1 import blocks_pb2_grpc
from epcscfd.app.provisioning import name_of
from epcscfd.domain.block import BlockMode, ha1_of
from epcscfd.domain.policy import Wwsf
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.blocks import status_to_proto
from epcscfd.rpc.convert.fields import last_part


if TYPE_CHECKING:
    import grpc

    from epcscfd.app.provisioning import ResourceStore, Stored
    from epcscfd.ports import BlockSource, PolicySource
    from epcscfd.rpc.admin import EditWatch

PASSWORD = re.compile(r"[\x20-\x7e]{8,128}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What it needs."""

    store: ResourceStore
    policies: PolicySource
    blocks: BlockSource
    watch: EditWatch


class _Context(Protocol):
    """Of a call."""

    def peer(self) -> str: ...


class BlockAdmin(blocks_pb2_grpc.BlockAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["BlockAdmin"].full_name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        blocks_pb2_grpc.add_BlockAdminServicer_to_server(self, server)

    async def ListBlocks(  # noqa: N802 - named by the contract
        self, request: pb.ListBlocksRequest, context: Any
    ) -> pb.ListBlocksResponse:
        """List blocks."""
        del request, context
        policy, blocks = self._parts.policies.current(), self._parts.blocks.current()
        return pb.ListBlocksResponse(
            blocks=[
                status_to_proto(wwsf, wwsf.block, blocks)
                for _, wwsf in sorted(policy.wwsfs.items())
                if wwsf.block
            ]
        )

    async def SetBlockPassword(  # noqa: N802 - named by the contract
        self, request: pb.SetBlockPasswordRequest, context: _Context
    ) -> pb.SetBlockPasswordResponse:
        """Set a password."""
        key = last_part(name_of(Wwsf, ""), request.wwsf)
        if not PASSWORD.fullmatch(request.password):
            raise InvalidArgument("password", "must be 8 to 128 printable ASCII characters")
        domains = self._parts.policies.current().domains

        def change(current: Stored[Wwsf]) -> Wwsf:
            block = current.resource.block
            if block is None or block.mode is not BlockMode.STATIC:
                raise InvalidArgument("wwsf", "has no block whose web server is asked here")
            home = domains.get(block.pilot.domain or "")
            if home is None:
                raise InvalidArgument("wwsf", "has a pilot of no home domain")
            ha1 = ha1_of(block.impi, home.realm, request.password)
            return replace(current.resource, block=replace(block, ha1=ha1))

        await self._parts.store.update((Wwsf, key, ""), change)
        self._parts.watch.edited("set block password", name_of(Wwsf, key), context.peer())
        return pb.SetBlockPasswordResponse()
