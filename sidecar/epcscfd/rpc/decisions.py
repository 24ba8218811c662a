"""DecisionAdmin: why a REGISTER was let through or refused."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from epcscf.admin.v1 import decisions_pb2 as pb
from epcscf.admin.v1 import decisions_pb2_grpc
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.decisions import decision_to_proto


if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from epcscfd.domain.judgement import Judgement

USUAL_PAGE = 20
LARGEST_PAGE = 500


class DecisionMemory(Protocol):
    """Who remembers judgements."""

    def newest_first(self) -> Iterator[Judgement]:
        """Give what is remembered."""
        ...


class DecisionAdmin(decisions_pb2_grpc.DecisionAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["DecisionAdmin"].full_name

    def __init__(self, memory: DecisionMemory) -> None:
        self._memory = memory

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        decisions_pb2_grpc.add_DecisionAdminServicer_to_server(self, server)

    async def ListDecisions(  # noqa: N802 - named by the contract
        self,
        request: pb.ListDecisionsRequest,
        context: grpc.aio.ServicerContext[pb.ListDecisionsRequest, pb.ListDecisionsResponse],
    ) -> pb.ListDecisionsResponse:
        """List what is remembered and asked for, newest first."""
        del context
        if request.page_size < 0:
            raise InvalidArgument("page_size", "must not be negative")
        size = min(request.page_size or USUAL_PAGE, LARGEST_PAGE)
        wanted = (each for each in self._memory.newest_first() if _is_wanted(each, request))
        return pb.ListDecisionsResponse(decisions=map(decision_to_proto, islice(wanted, size)))


def _is_wanted(judgement: Judgement, request: pb.ListDecisionsRequest) -> bool:
    if request.decision_id and judgement.decision_id != request.decision_id:
        return False
    if request.refused_only and judgement.reason is None:
        return False
    texts = (judgement.to, judgement.impu, judgement.impi, judgement.call_id, judgement.door.wwsf)
    return any(request.matching in str(text or "") for text in texts)
