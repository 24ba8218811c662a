"""OwnershipAdmin: whose a public user identity is, and by which record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from epcscf.admin.v1 import ownership_pb2 as pb
from epcscf.admin.v1 import ownership_pb2_grpc
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Wwsf, WwsfId
from epcscfd.domain.records import records_on, standing_of
from epcscfd.errors import NotFound
from epcscfd.rpc.convert.fields import identity, keys_of
from epcscfd.rpc.convert.ownership import record_to_proto, standing_to_proto


if TYPE_CHECKING:
    from collections.abc import Sequence

    import grpc

    from epcscfd.domain.policy import Policy
    from epcscfd.domain.records import Record
    from epcscfd.ports import BlockSource


class PolicySource(Protocol):
    """Where the policy in force comes from."""

    def current(self) -> Policy:
        """Give it. Raise Unavailable."""
        ...


class OwnershipAdmin(ownership_pb2_grpc.OwnershipAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["OwnershipAdmin"].full_name

    def __init__(self, policies: PolicySource, blocks: BlockSource) -> None:
        self._policies = policies
        self._blocks = blocks

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        ownership_pb2_grpc.add_OwnershipAdminServicer_to_server(self, server)

    async def LookUpOwner(  # noqa: N802 - named by the contract
        self,
        request: pb.LookUpOwnerRequest,
        context: grpc.aio.ServicerContext[pb.LookUpOwnerRequest, pb.LookUpOwnerResponse],
    ) -> pb.LookUpOwnerResponse:
        """Look up the owner."""
        del context
        policy = self._policies.current()
        impu = identity("impu", request.impu, Impu.parse)
        impi = identity("impi", request.impi, Impi.parse) if request.impi else None
        blocks = self._blocks.current()
        records = records_on(impu, impi, policy, blocks)
        concerned = [_asked(request, policy)] if request.wwsf else _named(records)
        standings = (standing_of(wwsf, impu, impi, policy, blocks) for wwsf in concerned)
        return pb.LookUpOwnerResponse(
            impu=str(impu),
            records=map(record_to_proto, records),
            standings=map(standing_to_proto, standings),
            revision=policy.revision,
        )


def _asked(request: pb.LookUpOwnerRequest, policy: Policy) -> WwsfId:
    (key,) = keys_of(Wwsf, "wwsf", [request.wwsf])
    if key not in policy.wwsfs:
        raise NotFound(request.wwsf)
    return WwsfId(key)


def _named(records: Sequence[Record]) -> list[WwsfId]:
    return sorted({wwsf for record in records for wwsf in record.wwsfs})
