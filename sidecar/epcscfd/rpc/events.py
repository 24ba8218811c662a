"""EventAdmin: what WWSFs are told of their identities."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from google.protobuf import empty_pb2

from epcscf.admin.v1 import events_pb2 as pb
from epcscf.admin.v1 import events_pb2_grpc
from epcscfd.domain.policy import Wwsf, WwsfId
from epcscfd.domain.webhook import LONGEST_SECRET, SHORTEST_SECRET, flaw_of_url
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.events import dead_letter_to_proto, event_to_proto, webhook_to_proto
from epcscfd.rpc.convert.fields import keys_of, last_part


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import grpc

    from epcscfd.app.release import Seen
    from epcscfd.app.webhooks import WebhookStore
    from epcscfd.ports import PolicySource

COLLECTION = "webhooks/"


class Hub(Protocol):
    """Gives events."""

    def watch(self, cursor: str, wwsf: str) -> AsyncGenerator[Seen]:
        """Give the events of *wwsf* (empty: of all) after *cursor*. Raise CursorGone."""
        ...


class WebhookWatch(Protocol):
    """Is told who sets webhooks."""

    def webhook_set(self, wwsf: str, url: str, peer: str) -> None:
        """Note that the events of a WWSF go to *url*."""
        ...

    def webhook_deleted(self, wwsf: str, peer: str) -> None:
        """Note that they are delivered no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service needs."""

    hub: Hub
    webhooks: WebhookStore
    policies: PolicySource
    watch: WebhookWatch
    http_to_loopback: bool
    "Whether events may go to this machine without TLS."


class EventAdmin(events_pb2_grpc.EventAdminServicer):
    """Serves operators."""

    full_name = pb.DESCRIPTOR.services_by_name["EventAdmin"].full_name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        events_pb2_grpc.add_EventAdminServicer_to_server(self, server)

    async def WatchEvents(  # noqa: N802 - named by the contract
        self,
        request: pb.WatchEventsRequest,
        context: grpc.aio.ServicerContext[pb.WatchEventsRequest, pb.WatchEventsResponse],
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Give events as they happen."""
        del context
        (wwsf,) = keys_of(Wwsf, "wwsf", [request.wwsf]) if request.wwsf else ("",)
        async with aclosing(self._parts.hub.watch(request.cursor, wwsf)) as seen:
            async for each in seen:
                said = event_to_proto(each.event) if each.event else None
                yield pb.WatchEventsResponse(event=said, cursor=each.cursor)

    async def SetWebhook(  # noqa: N802 - named by the contract
        self,
        request: pb.SetWebhookRequest,
        context: grpc.aio.ServicerContext[pb.SetWebhookRequest, pb.Webhook],
    ) -> pb.Webhook:
        """Deliver the events of a WWSF to a URL."""
        wwsf, wanted = self._wwsf(request.webhook.name), request.webhook
        flaw = flaw_of_url(wanted.url, http_to_loopback=self._parts.http_to_loopback)
        if flaw:
            raise InvalidArgument("webhook.url", flaw)
        long_enough = SHORTEST_SECRET <= len(wanted.secret) <= LONGEST_SECRET
        if not (long_enough and wanted.secret.isascii() and wanted.secret.isprintable()):
            why = f"must have {SHORTEST_SECRET} to {LONGEST_SECRET} printable characters"
            raise InvalidArgument("webhook.secret", why)
        backlog = await self._parts.webhooks.set(wwsf, wanted.url, wanted.secret)
        self._parts.watch.webhook_set(wwsf, wanted.url, context.peer())
        return webhook_to_proto(backlog)

    def _wwsf(self, name: str) -> WwsfId:
        wwsf = WwsfId(last_part(COLLECTION, name))
        if wwsf not in self._parts.policies.current().wwsfs:
            raise InvalidArgument("webhook.name", "there is no such WWSF")
        return wwsf

    async def ListWebhooks(  # noqa: N802 - named by the contract
        self,
        request: pb.ListWebhooksRequest,
        context: grpc.aio.ServicerContext[pb.ListWebhooksRequest, pb.ListWebhooksResponse],
    ) -> pb.ListWebhooksResponse:
        """List webhooks."""
        del request, context
        found = await self._parts.webhooks.list()
        return pb.ListWebhooksResponse(webhooks=map(webhook_to_proto, found))

    async def DeleteWebhook(  # noqa: N802 - named by the contract
        self,
        request: pb.DeleteWebhookRequest,
        context: grpc.aio.ServicerContext[pb.DeleteWebhookRequest, empty_pb2.Empty],
    ) -> empty_pb2.Empty:
        """Deliver no more."""
        wwsf = WwsfId(last_part(COLLECTION, request.name))
        await self._parts.webhooks.delete(wwsf)
        self._parts.watch.webhook_deleted(wwsf, context.peer())
        return empty_pb2.Empty()

    async def ListDeadLetters(  # noqa: N802 - named by the contract
        self,
        request: pb.ListDeadLettersRequest,
        context: grpc.aio.ServicerContext[pb.ListDeadLettersRequest, pb.ListDeadLettersResponse],
    ) -> pb.ListDeadLettersResponse:
        """List what was given up."""
        del context
        wwsf = last_part(COLLECTION, request.name) if request.name else ""
        found = await self._parts.webhooks.dead(wwsf)
        return pb.ListDeadLettersResponse(dead_letters=map(dead_letter_to_proto, found))
