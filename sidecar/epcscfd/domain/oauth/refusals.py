"""Refusals of the WAF: values, with the words of RFC 6749 5.2 and 4.1.2.1.

What a refusal tells the client is its error and a sentence that gives nothing away; `why` is
for the log.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass


class OAuthError(enum.StrEnum):
    """Error codes. A closed set: also a metric label."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    "RFC 8693 2.2.2."
    ACCESS_DENIED = "access_denied"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


STATUSES: dict[OAuthError, int] = {
    OAuthError.INVALID_CLIENT: 401,
    OAuthError.TEMPORARILY_UNAVAILABLE: 503,
}
"HTTP status of an error of the token endpoint, where it is not 400 (RFC 6749 5.2)."

DESCRIPTIONS: dict[OAuthError, str] = {
    OAuthError.INVALID_REQUEST: "the request is malformed or incomplete",
    OAuthError.INVALID_CLIENT: "client authentication failed",
    OAuthError.INVALID_GRANT: "the grant is not valid, or not for this client",
    OAuthError.UNAUTHORIZED_CLIENT: "this client may not ask for this",
    OAuthError.UNSUPPORTED_GRANT_TYPE: "no such grant type here",
    OAuthError.INVALID_SCOPE: "no such scope here",
    OAuthError.INVALID_TARGET: "tokens are for the eP-CSCF only",
    OAuthError.ACCESS_DENIED: "the user has not agreed",
    OAuthError.UNSUPPORTED_RESPONSE_TYPE: "only response_type=code is served",
    OAuthError.TEMPORARILY_UNAVAILABLE: "try again later",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """No token."""

    error: OAuthError
    why: str
    "For the log: lower case, never a secret."
    told: str = ""
    "What the client may know, if the usual sentence says too little."

    @property
    def status(self) -> int:
        """Tell the HTTP status at the token endpoint."""
        return STATUSES.get(self.error, 400)

    @property
    def description(self) -> str:
        """Tell the client what it may know."""
        return self.told or DESCRIPTIONS[self.error]
