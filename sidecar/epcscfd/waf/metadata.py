"""Metadata (RFC 8414): what this WAF offers, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epcscfd.domain.oauth.client import ClientAuthentication, GrantType
from epcscfd.domain.oauth.pkce import METHOD


if TYPE_CHECKING:
    from epcscfd.domain.oauth.rules import WafRules

AUTHORIZE = "/authorize"
TOKEN = "/token"  # noqa: S105 - a path
INTROSPECT = "/introspect"
REVOKE = "/revoke"
JWKS = "/jwks"
WELL_KNOWN = "/.well-known/oauth-authorization-server"

SIGNATURES = (
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
)
"Of assertions of clients."


def metadata_of(rules: WafRules) -> dict[str, Any]:
    """Give the metadata document."""
    issuer = rules.issuer.rstrip("/")
    methods = [each.value for each in ClientAuthentication]
    return {
        "issuer": rules.issuer,
        "authorization_endpoint": f"{issuer}{AUTHORIZE}",
        "token_endpoint": f"{issuer}{TOKEN}",
        "introspection_endpoint": f"{issuer}{INTROSPECT}",
        "revocation_endpoint": f"{issuer}{REVOKE}",
        "jwks_uri": f"{issuer}{JWKS}",
        "scopes_supported": [rules.scope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [each.value for each in GrantType],
        "code_challenge_methods_supported": [METHOD],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNATURES),
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": list(SIGNATURES),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(SIGNATURES),
        "authorization_response_iss_parameter_supported": True,
    }
