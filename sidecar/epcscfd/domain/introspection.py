"""Introspection: how an authorization entity is asked about its tokens (RFC 7662).

Only where to ask, and under which name the node keeps what proves who we are. The proof itself
is no policy: it lies beside the sidecar and is in no record, log or answer.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass
from datetime import timedelta


class ClientAuthentication(enum.StrEnum):
    """How we prove to the entity who asks (RFC 7662 2.1). Values are those of RFC 8414."""

    SECRET_BASIC = "client_secret_basic"  # noqa: S105 - not a secret
    "A secret, in an Authorization header (RFC 6749 2.3.1)."
    SECRET_POST = "client_secret_post"  # noqa: S105 - not a secret
    "A secret, in the body."
    PRIVATE_KEY_JWT = "private_key_jwt"
    "An assertion signed with our key (RFC 7523 2.2)."
    TLS = "tls_client_auth"
    "Our certificate (RFC 8705 2)."


DEFAULT_TTL = timedelta(seconds=60)
"How long a revocation that nobody tells us about may go unnoticed."

DEFAULT_NEGATIVE_TTL = timedelta(seconds=5)
"A client that comes back with a dead token does so every two seconds."

DEFAULT_TIMEOUT = timedelta(seconds=4)
"Half of what an edge waits for a verdict."


@dataclass(frozen=True, slots=True)
class Introspection:
    """Where and how to ask."""

    url: str
    client_id: str
    "What the entity calls us."
    credential: str
    "Name of the secret, key or certificate; empty: none is needed."
    authentication: ClientAuthentication = ClientAuthentication.SECRET_BASIC
    ttl: timedelta = DEFAULT_TTL
    "How long an answer about a good token holds, if the token lives so long."
    negative_ttl: timedelta = DEFAULT_NEGATIVE_TTL
    "How long an answer about any other holds."
    timeout: timedelta = DEFAULT_TIMEOUT
