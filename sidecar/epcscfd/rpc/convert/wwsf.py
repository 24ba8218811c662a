"""WWSFs, with their pools and ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.identity import Impi
from epcscfd.domain.policy import (
    AuthorizationEntity,
    Credentials,
    EntityId,
    Pool,
    Quota,
    Wwsf,
    WwsfId,
    WwsfState,
)
from epcscfd.domain.ranges import IdentityRange, RangeMode, parse_identities
from epcscfd.rpc.convert.blocks import block_from_proto, block_to_proto
from epcscfd.rpc.convert.fields import (
    chosen,
    identities,
    identity,
    keys_of,
    said,
    with_bookkeeping,
)


if TYPE_CHECKING:
    from epcscfd.app.provisioning import Stored

STATES = {
    pb.Wwsf.ACTIVE: WwsfState.ACTIVE,
    pb.Wwsf.SUSPENDED: WwsfState.SUSPENDED,
}
CREDENTIALS = {
    pb.Wwsf.TOKEN: Credentials.TOKEN,
    pb.Wwsf.DIGEST: Credentials.DIGEST,
    pb.Wwsf.TOKEN_OR_DIGEST: Credentials.TOKEN_OR_DIGEST,
}
MODES = {
    pb.IdentityRange.STATIC: RangeMode.STATIC,
    pb.IdentityRange.BLOCK: RangeMode.BLOCK,
}


def wwsf_from_proto(message: pb.Wwsf, key: str) -> Wwsf:
    """Read *message* as the WWSF *key*. Raise InvalidArgument."""
    entities = keys_of(
        AuthorizationEntity, "authorization_entities", message.authorization_entities
    )
    pool = Pool(
        impis=identities("pool.impis", message.pool.impis, Impi.parse),
        impi_realms=frozenset(message.pool.impi_realms),
    )
    return Wwsf(
        id=WwsfId(key),
        client_id=message.client_id or key,
        origins=frozenset(message.origins),
        entities=frozenset(map(EntityId, entities)),
        client_certificates=frozenset(message.client_certificates),
        pool=pool if message.HasField("pool") else None,
        ranges=frozenset(
            _range_from_proto(f"ranges[{index}]", each)
            for index, each in enumerate(message.ranges)
        ),
        block=block_from_proto(message.block) if message.HasField("block") else None,
        proof_required=message.proof_required,
        credentials=chosen("credentials", CREDENTIALS, message.credentials, Credentials.TOKEN),
        token_in_every_request=message.token_in_every_request,
        quota=Quota(message.quota.max_registrations, message.quota.max_first_sights),
        state=chosen("state", STATES, message.state, WwsfState.ACTIVE),
        display_name=message.display_name,
    )


def _range_from_proto(field: str, message: pb.IdentityRange) -> IdentityRange:
    return IdentityRange(
        identities=identity(f"{field}.range", message.range, parse_identities),
        mode=chosen(f"{field}.mode", MODES, message.mode, RangeMode.STATIC),
        enabled=message.enabled,
    )


def wwsf_to_proto(stored: Stored[Wwsf]) -> pb.Wwsf:
    """Say *stored*."""
    wwsf = stored.resource
    message = pb.Wwsf(
        display_name=wwsf.display_name,
        client_id=wwsf.client_id,
        origins=sorted(wwsf.origins),
        client_certificates=sorted(wwsf.client_certificates),
        authorization_entities=[name_of(AuthorizationEntity, e) for e in sorted(wwsf.entities)],
        ranges=[_range_to_proto(each) for each in sorted(wwsf.ranges, key=str)],
        proof_required=wwsf.proof_required,
        credentials=said(CREDENTIALS, wwsf.credentials),
        token_in_every_request=wwsf.token_in_every_request,
        state=said(STATES, wwsf.state),
    )
    if wwsf.pool is not None:
        pool = pb.Pool(
            impis=sorted(map(str, wwsf.pool.impis)), impi_realms=sorted(wwsf.pool.impi_realms)
        )
        message.pool.CopyFrom(pool)
    if wwsf.block is not None:
        message.block.CopyFrom(block_to_proto(wwsf.block))
    if wwsf.quota != Quota():
        message.quota.max_registrations = wwsf.quota.max_registrations
        message.quota.max_first_sights = wwsf.quota.max_first_sights
    return with_bookkeeping(message, stored)


def _range_to_proto(each: IdentityRange) -> pb.IdentityRange:
    return pb.IdentityRange(range=str(each), mode=said(MODES, each.mode), enabled=each.enabled)
