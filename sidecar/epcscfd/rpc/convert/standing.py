"""Registrations, as edges tell them and as operators see them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from epcscf.admin.v1 import registrations_pb2 as admin
from epcscf.control.v1 import registrations_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.policy import AuthorizationEntity, Wwsf, WwsfId
from epcscfd.domain.registration import Cause, Registration, State


if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from epcscfd.domain.registration import Boot, Entry

LATEST = 253_402_300_799
"The last second that Python and the databases have a date for."

CAUSES: defaultdict[int, Cause] = defaultdict(
    # Also what a later contract adds: it has ended all the same.
    lambda: Cause.UNTOLD,
    {
        pb.CAUSE_CLIENT: Cause.CLIENT,
        pb.CAUSE_EXPIRED: Cause.EXPIRED,
        pb.CAUSE_TOKEN_EXPIRED: Cause.TOKEN_EXPIRED,
        pb.CAUSE_CONNECTION_LOST: Cause.CONNECTION_LOST,
        pb.CAUSE_REPLACED: Cause.REPLACED,
        pb.CAUSE_NETWORK: Cause.NETWORK,
        pb.CAUSE_ORDERED: Cause.ORDERED,
        pb.CAUSE_EDGE_LOST: Cause.EDGE_LOST,
    },
)

STATES = {
    State.STANDS: admin.Registration.STANDS,
    State.LEFT: admin.Registration.LEFT_BEHIND,
    State.ENDED: admin.Registration.ENDED,
}


def registration_from_proto(boot: Boot, told: pb.Registration) -> Registration:
    """Take what the edge *boot* has *told*."""
    return Registration(
        boot=boot,
        id=_text(told.id),
        connection=_text(told.connection),
        wwsf=WwsfId(_text(told.wwsf)),
        scope=_text(told.scope),
        impi=_text(told.impi),
        impu=_text(told.impu),
        identities=tuple(map(_text, told.identities)),
        subject=_text(told.subject),
        token_id=_text(told.token_id),
        token_expires_at=instant(told.token_expires_at) if told.token_expires_at else None,
        expires_at=instant(told.expires_at),
        contact=_text(told.contact),
        decision_id=_text(told.decision_id),
        local=told.local,
    )


def _text(value: str) -> str:
    # No database keeps a NUL in a text, and nothing that was registered has one.
    return value.replace("\0", "")


def instant(seconds: int) -> datetime:
    """Read a time that an edge tells, in seconds since 1970."""
    return datetime.fromtimestamp(min(seconds, LATEST), UTC)


def entry_to_proto(entry: Entry) -> admin.Registration:
    """Show *entry*."""
    registration = entry.registration
    shown = admin.Registration(
        name=f"registrations/{registration.key}",
        state=STATES[entry.state],
        node=registration.boot.node,
        boot_id=registration.boot.boot_id,
        wwsf=name_of(Wwsf, registration.wwsf),
        impi=registration.impi,
        impu=registration.impu,
        identities=registration.identities,
        subject=registration.subject,
        token_id=registration.token_id,
        contact=registration.contact,
        decision_id=registration.decision_id,
        local=registration.local,
        cause=entry.cause or "",
    )
    if registration.entity:
        shown.authorization_entity = name_of(AuthorizationEntity, registration.entity)
    _date(shown.begin_time, entry.began_at)
    _date(shown.expire_time, registration.expires_at)
    if registration.token_expires_at is not None:
        _date(shown.token_expire_time, registration.token_expires_at)
    if entry.state is not State.STANDS:
        _date(shown.end_time, entry.changed_at)
    return shown


def _date(field: Timestamp, instant: datetime) -> None:
    field.FromDatetime(instant)
