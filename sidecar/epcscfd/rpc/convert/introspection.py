"""How an authorization entity is asked about its tokens."""

from __future__ import annotations

from datetime import timedelta

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.domain.introspection import (
    DEFAULT_NEGATIVE_TTL,
    DEFAULT_TIMEOUT,
    DEFAULT_TTL,
    ClientAuthentication,
    Introspection,
)
from epcscfd.domain.policy import AuthorizationEntity
from epcscfd.rpc.convert.fields import chosen, said


AUTHENTICATIONS = {
    pb.Introspection.CLIENT_SECRET_BASIC: ClientAuthentication.SECRET_BASIC,
    pb.Introspection.CLIENT_SECRET_POST: ClientAuthentication.SECRET_POST,
    pb.Introspection.PRIVATE_KEY_JWT: ClientAuthentication.PRIVATE_KEY_JWT,
    pb.Introspection.TLS_CLIENT_AUTH: ClientAuthentication.TLS,
}


def introspection_from_proto(entity: pb.AuthorizationEntity) -> Introspection | None:
    """Read how *entity* is asked, if it is. Raise InvalidArgument."""
    if not entity.HasField("introspection"):
        return None
    message = entity.introspection
    usual = ClientAuthentication.SECRET_BASIC
    return Introspection(
        url=message.url,
        client_id=message.client_id,
        credential=message.credential,
        authentication=chosen(
            "introspection.authentication", AUTHENTICATIONS, message.authentication, usual
        ),
        ttl=timedelta(seconds=message.ttl_seconds) or DEFAULT_TTL,
        negative_ttl=timedelta(seconds=message.negative_ttl_seconds) or DEFAULT_NEGATIVE_TTL,
        timeout=timedelta(seconds=message.timeout_seconds) or DEFAULT_TIMEOUT,
    )


def introspection_to_proto(entity: AuthorizationEntity) -> pb.Introspection | None:
    """Say how *entity* is asked, if it is."""
    asked = entity.introspection
    if asked is None:
        return None
    return pb.Introspection(
        url=asked.url,
        client_id=asked.client_id,
        credential=asked.credential,
        authentication=said(AUTHENTICATIONS, asked.authentication),
        ttl_seconds=int(asked.ttl.total_seconds()),
        negative_ttl_seconds=int(asked.negative_ttl.total_seconds()),
        timeout_seconds=int(asked.timeout.total_seconds()),
    )
