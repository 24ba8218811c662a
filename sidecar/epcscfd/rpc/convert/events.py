"""Events and webhooks, as operators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.admin.v1 import events_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.policy import Wwsf


if TYPE_CHECKING:
    from epcscfd.app.webhooks import Backlog, DeadLetter
    from epcscfd.domain.release import Event


def event_to_proto(event: Event) -> pb.Event:
    """Say *event*."""
    release = event.release
    said = pb.Event(
        id=event.id,
        sequence=event.sequence,
        wwsf=name_of(Wwsf, release.wwsf),
        impi=release.impi,
        impu=release.impu,
        cause=release.cause,
    )
    said.time.FromDatetime(release.time)
    if release.may_return_until is not None:
        said.may_return_until.FromDatetime(release.may_return_until)
    return said


def webhook_to_proto(backlog: Backlog) -> pb.Webhook:
    """Show a webhook, but for its secret."""
    webhook = backlog.webhook
    return pb.Webhook(
        name=f"webhooks/{webhook.wwsf}",
        url=webhook.url,
        backlog=backlog.waiting,
        delivered=webhook.delivered,
        attempts=webhook.attempts,
        last_error=webhook.last_error,
    )


def dead_letter_to_proto(letter: DeadLetter) -> pb.DeadLetter:
    """Show *letter*."""
    return pb.DeadLetter(
        event=event_to_proto(letter.event),
        attempts=letter.attempts,
        last_error=letter.last_error,
    )
