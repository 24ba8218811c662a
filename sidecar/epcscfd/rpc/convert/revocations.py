"""Revocations, as operators give and see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from epcscf.admin.v1 import revocations_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.identity import Impi
from epcscfd.domain.policy import LONGEST_LIFE, Wwsf
from epcscfd.domain.revocation import Revocation, Whom
from epcscfd.domain.token import digest_of
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.fields import identity, keys_of


if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from epcscfd.domain.policy import Policy

LONGEST_TEXT = 2048
"Of what an issuer has named; as long as an issuer may be."

CLOCKS = timedelta(minutes=5)
"By which the clock of an issuer may be ahead of ours."


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and under which policy, somebody revokes."""

    policy: Policy
    now: datetime


@dataclass(frozen=True, slots=True)
class _Named:
    whom: Whom
    value: str
    issuer: str = ""
    name: str = ""


def revocation_from_proto(id_: str, asked: pb.Revocation, moment: Moment) -> Revocation:
    """Read what is *asked* to be revoked. Raise InvalidArgument."""
    named = _named(asked, moment.policy)
    # Issuers date tokens to the second: what was issued in this one is included.
    this_second = moment.now.replace(microsecond=0) + timedelta(seconds=1)
    issued_before = _given(asked, "issued_before") or this_second
    life = _longest_life(named.issuer, moment.policy)
    usual = max(issued_before, moment.now) + life + CLOCKS
    expires_at = _given(asked, "expire_time") or usual
    if expires_at <= moment.now:
        raise InvalidArgument("revocation.expire_time", "must be in the future")
    return Revocation(
        id=id_,
        whom=named.whom,
        value=named.value,
        issuer=named.issuer,
        name=named.name,
        issued_before=issued_before,
        created_at=moment.now,
        expires_at=expires_at,
        note=_bounded("revocation.note", asked.note),
    )


def _named(asked: pb.Revocation, policy: Policy) -> _Named:
    match asked.WhichOneof("whom"):
        case "token":
            return _issued(Whom.TOKEN, asked.token)
        case "subject":
            return _issued(Whom.SUBJECT, asked.subject)
        case "impi":
            return _Named(Whom.IMPI, str(identity("revocation.impi", asked.impi, Impi.parse)))
        case "wwsf":
            (wwsf,) = keys_of(Wwsf, "revocation.wwsf", [asked.wwsf])
            if wwsf not in policy.wwsfs:
                raise InvalidArgument("revocation.wwsf", "there is no such WWSF")
            return _Named(Whom.WWSF, wwsf)
        case _:
            raise InvalidArgument("revocation", "needs one of token, subject, impi, wwsf")


def _issued(whom: Whom, given: pb.IssuedName) -> _Named:
    issuer = _bounded("revocation.issuer", given.issuer)
    name = _bounded("revocation.name", given.name)
    if not issuer or not name:
        raise InvalidArgument("revocation", "needs issuer and name")
    return _Named(whom, digest_of(issuer, name), issuer, name)


def _bounded(field: str, text: str) -> str:
    if len(text) > LONGEST_TEXT or not (text.isprintable() or not text):
        raise InvalidArgument(field, "must be one line of at most 2048 characters")
    return text


def _longest_life(issuer: str, policy: Policy) -> timedelta:
    entity = policy.entity_of_issuer(issuer)
    if entity is not None:
        return entity.max_life
    lives = (each.max_life for each in policy.entities.values())
    return max(lives, default=LONGEST_LIFE)


def _given(asked: pb.Revocation, field: str) -> datetime | None:
    if not asked.HasField(field):  # type: ignore[arg-type]  # one of two that are known
        return None
    stamp: Timestamp = getattr(asked, field)
    try:
        return stamp.ToDatetime(UTC)
    except ValueError:
        raise InvalidArgument(f"revocation.{field}", "is no instant") from None


def revocation_to_proto(revocation: Revocation) -> pb.Revocation:
    """Show *revocation*."""
    shown = pb.Revocation(name=f"revocations/{revocation.id}", note=revocation.note)
    named = pb.IssuedName(issuer=revocation.issuer, name=revocation.name)
    match revocation.whom:
        case Whom.TOKEN:
            shown.token.CopyFrom(named)
        case Whom.SUBJECT:
            shown.subject.CopyFrom(named)
        case Whom.IMPI:
            shown.impi = revocation.value
        case Whom.WWSF:
            shown.wwsf = name_of(Wwsf, revocation.value)
    shown.issued_before.FromDatetime(revocation.issued_before)
    shown.create_time.FromDatetime(revocation.created_at)
    shown.expire_time.FromDatetime(revocation.expires_at)
    return shown
