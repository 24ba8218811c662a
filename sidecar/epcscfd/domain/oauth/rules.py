"""By which rules one WAF issues tokens, next to its clients and the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.policy import IMS_ACCESS_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class WafRules:
    """What holds for all clients."""

    issuer: str
    "`iss`, and what clients say in `aud` of their assertions: an https URL."
    waf_id: str
    "Name of this WAF, in `waf_id` (TS 33.203 X.3.2.3: WAF identity)."
    audience: str
    "`aud` of access tokens: the eP-CSCF."
    epcscf_uri: str
    "Where the WIC connects: a wss URI."
    scope: str = IMS_ACCESS_SCOPE
    code_life: timedelta = timedelta(seconds=60)
    refresh_life: timedelta = timedelta(days=30)
    session_life: timedelta = timedelta(hours=1)
    skew: timedelta = timedelta(seconds=30)

    def granted(self, parameters: Mapping[str, str]) -> str | Refusal:
        """Give the scope of what a request asks for, unless it is for somebody else."""
        # RFC 9068 3, RFC 8707 2: a token for the resource that is named, or none.
        if parameters.get("resource", self.audience) != self.audience:
            return Refusal(OAuthError.INVALID_TARGET, "another resource")
        return self.granted_scope(parameters.get("scope"))

    def granted_scope(self, asked: str | None) -> str | Refusal:
        """Give the scope for what was *asked*; nothing asked for means all there is."""
        if asked is None:
            return self.scope
        # RFC 6749 3.3: values are separated by spaces and case-sensitive.
        if set(asked.split(" ")) == {self.scope}:
            return self.scope
        return Refusal(OAuthError.INVALID_SCOPE, "another scope than the one for IMS")
