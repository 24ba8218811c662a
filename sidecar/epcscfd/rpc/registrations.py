"""RegistrationAdmin: who is registered."""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING, Protocol

from epcscf.admin.v1 import registrations_pb2 as pb
from epcscf.admin.v1 import registrations_pb2_grpc
from epcscfd.app.registrations import Wanted
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Wwsf
from epcscfd.errors import InvalidArgument, quote
from epcscfd.rpc.convert.fields import identity, keys_of, page_size
from epcscfd.rpc.convert.standing import entry_to_proto


if TYPE_CHECKING:
    import grpc

    from epcscfd.app.registrations import RegistrationStore

COLLECTION = "registrations/"

CATCHING_UP = 1.0
"Seconds that a reader waits for what has been told to be written."


class Copy(Protocol):
    """Who writes what is read here."""

    async def settled(self) -> None:
        """Wait until all that was heard is written."""
        ...


class RegistrationAdmin(registrations_pb2_grpc.RegistrationAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["RegistrationAdmin"].full_name

    def __init__(self, store: RegistrationStore, copy: Copy) -> None:
        self._store = store
        self._copy = copy

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
        page = await self._store.list(wanted, size, request.page_token)
        shown = map(entry_to_proto, page.entries)
        return pb.ListRegistrationsResponse(registrations=shown, next_page_token=page.next_token)

    async def GetRegistration(  # noqa: N802 - named by the contract
        self,
        request: pb.GetRegistrationRequest,
        context: grpc.aio.ServicerContext[pb.GetRegistrationRequest, pb.Registration],
    ) -> pb.Registration:
        """Get one."""
        del context
        key = registration_key(request.name)
        await self._catch_up()
        return entry_to_proto(await self._store.get(key))

    async def _catch_up(self) -> None:
        try:
            async with asyncio.timeout(CATCHING_UP):
                await self._copy.settled()
        except TimeoutError:
            # What is written already is better than nothing.
            return


def registration_key(name: str) -> str:
    """Take the key out of the name of a registration. Raise InvalidArgument."""
    if not name.startswith(COLLECTION):
        raise InvalidArgument("name", f"{quote(name)} does not begin with {COLLECTION}")
    return name.removeprefix(COLLECTION)


def _wanted(request: pb.ListRegistrationsRequest) -> Wanted:
    (wwsf,) = keys_of(Wwsf, "wwsf", [request.wwsf]) if request.wwsf else ("",)
    return Wanted(
        impi=str(identity("impi", request.impi, Impi.parse)) if request.impi else "",
        impu=str(identity("impu", request.impu, Impu.parse)) if request.impu else "",
        wwsf=wwsf,
        node=request.node,
        ended=request.show_ended,
    )
