"""Clients of the WAF: WWSFs, and the eP-CSCF that asks about tokens.

A client is the OAuth side of a WWSF and nothing more: whether the WWSF is served, what its
tokens call it and which identities are its own stands in the policy, once.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass
from datetime import timedelta


class GrantType(enum.StrEnum):
    """How a token is asked for (`grant_type`)."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - not a secret
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    "RFC 7523 2.1: the WWSF has logged the user in and vouches for it."
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - not a secret
    "RFC 8693: the same, with the statement as `subject_token`."


class ClientAuthentication(enum.StrEnum):
    """How a client proves itself (`token_endpoint_auth_method`). One way each: no downgrade."""

    SECRET = "client_secret_basic"  # noqa: S105 - not a secret
    PRIVATE_KEY_JWT = "private_key_jwt"
    CERTIFICATE = "self_signed_tls_client_auth"
    "RFC 8705 2.2: by the very certificate, whoever has issued it."


class TokenFormat(enum.StrEnum):
    """What an access token looks like."""

    JWT = "jwt"
    "RFC 9068: the eP-CSCF verifies it by itself."
    OPAQUE = "opaque"
    "Random; the eP-CSCF asks (RFC 7662)."


USUAL_TOKEN_LIFE = timedelta(minutes=10)
"A WIC asks for a new one before each refresh; a stolen one dies soon."


@dataclass(frozen=True, slots=True)
class WafClient:
    """One client."""

    id: str
    "Id of the WWSF; for one that only introspects, any."
    authentication: ClientAuthentication
    grant_types: frozenset[GrantType] = frozenset()
    redirect_uris: frozenset[str] = frozenset()
    jwks: str = ""
    "Its public keys, for `private_key_jwt` and for statements about users."
    certificates: frozenset[str] = frozenset()
    "SHA-256 in lower-case hex."
    anonymous: bool = False
    "Whether it may ask for tokens without saying that it has authenticated a user (S003-4)."
    introspects: bool = False
    "Whether it may ask about every token: an eP-CSCF."
    token_format: TokenFormat = TokenFormat.JWT
    token_life: timedelta = USUAL_TOKEN_LIFE
    display_name: str = ""

    def may_use(self, grant_type: GrantType) -> bool:
        """Tell whether it may ask in this way."""
        return grant_type in self.grant_types
