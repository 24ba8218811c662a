"""The WAF as its client sees it: metadata, authorization requests, tokens (RFC 6749, 8414, 7523).

Nothing here is made for one WAF in particular: where its endpoints are, it says itself. Who we
are, we prove by a signature (`private_key_jwt`), never by a secret that travels.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
import time

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import httpx2
import jwt


if TYPE_CHECKING:
    from demo.wwsf.settings import Waf

SCOPE = "webrtc-ims-client-access-to-ims"
ASSERTION_LIFE = 60
"Seconds; it is used at once, and only once."
TIMEOUT = 5.0
BY_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_BY_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class WafError(Exception):
    """The WAF did not give what was asked for."""

    def __init__(self, error: str, *, unavailable: bool = False) -> None:
        super().__init__(error)
        self.error = error
        "As RFC 6749 5.2 names it."
        self.unavailable = unavailable
        "Whether it may go better later."


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and what the WAF says about it."""

    token: str = field(repr=False)
    issued_at: float
    expires_at: float
    impus: tuple[str, ...]
    epcscf_uri: str
    refresh_token: str = field(default="", repr=False)

    def is_half_over(self, now: float) -> bool:
        """Tell whether less than half of its life is left."""
        return now > (self.issued_at + self.expires_at) / 2


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the browser, and what to remember meanwhile."""

    url: str
    state: str
    verifier: str = field(repr=False)


class WafClient:
    """Asks one WAF in the name of one client."""

    def __init__(self, settings: Waf, redirect_uri: str) -> None:
        self._settings = settings
        self._key = Path(settings.key_file).read_text()
        self._redirect_uri = redirect_uri
        trust = ssl.create_default_context(cafile=settings.ca_file)
        # no proxy variable and no redirect leads a token anywhere else
        self._http = httpx2.AsyncClient(
            verify=trust, timeout=TIMEOUT, trust_env=False, follow_redirects=False
        )
        self._metadata: dict[str, str] | None = None

    async def __aenter__(self) -> Self:
        """Use it."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def authorization_request(self) -> AuthorizationRequest:
        """Begin an authorization code flow with PKCE (RFC 7636). Raise WafError."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return AuthorizationRequest(f"{endpoint}?{urlencode(query)}", state, verifier)

    async def by_code(self, code: str, verifier: str) -> Granted:
        """Exchange an authorization code. Raise WafError."""
        form = {"code": code, "code_verifier": verifier, "redirect_uri": self._redirect_uri}
        return await self._grant("authorization_code", form)

    async def by_refresh(self, refresh_token: str) -> Granted:
        """Get the next token of a grant. Raise WafError."""
        return await self._grant("refresh_token", {"refresh_token": refresh_token})

    async def for_user(self, subject: str) -> Granted:
        """Get a token for a user whom we have logged in (RFC 7523 2.1). Raise WafError."""
        return await self._grant(GRANT_BY_JWT, {"assertion": self._signed(subject)})

    async def for_pair(self, impi: str, user: str, lease: str) -> Granted:
        """Get a token for an IMS account of ours (client credentials). Raise WafError.

        *user* is who has it, or "" for a guest, of whom nothing is known but the *lease*.
        """
        whose = {"ims_user": user} if user else {"ims_session": lease}
        return await self._grant("client_credentials", {"ims_impi": impi, **whose})

    async def revoke(self, token: str) -> bool:
        """Revoke *token* (RFC 7009); tell whether the WAF has said so."""
        try:
            endpoint = await self._endpoint("revocation_endpoint")
            answer = await self._post(endpoint, {"token": token})
        except WafError:
            return False
        return answer.status_code == httpx2.codes.OK

    async def _grant(self, grant_type: str, form: dict[str, str]) -> Granted:
        endpoint = await self._endpoint("token_endpoint")
        answer = await self._post(endpoint, {"grant_type": grant_type, "scope": SCOPE, **form})
        fields = _json(answer)
        if answer.status_code != httpx2.codes.OK:
            error = str(fields.get("error", f"HTTP {answer.status_code}"))
            raise WafError(error, unavailable=answer.status_code >= 500)
        now = time.time()
        return Granted(
            token=str(fields["access_token"]),
            issued_at=now,
            expires_at=now + int(fields["expires_in"]),
            impus=tuple(fields.get("ims_impu", ())),
            epcscf_uri=str(fields.get("epcscf_uri", "")),
            refresh_token=str(fields.get("refresh_token", "")),
        )

    async def _post(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        who = {
            "client_id": self._settings.client_id,
            "client_assertion_type": BY_JWT,
            "client_assertion": self._signed(self._settings.client_id),
        }
        try:
            return await self._http.post(endpoint, data={**who, **form})
        except httpx2.HTTPError as error:
            raise WafError(type(error).__name__, unavailable=True) from None

    async def _endpoint(self, name: str) -> str:
        if self._metadata is None:
            url = f"{self._settings.issuer}/.well-known/oauth-authorization-server"
            try:
                metadata = _json(await self._http.get(url))
            except httpx2.HTTPError as error:
                raise WafError(type(error).__name__, unavailable=True) from None
            if metadata.get("issuer") != self._settings.issuer:  # RFC 8414 3.3
                raise WafError("the metadata are of another issuer")
            self._metadata = metadata
        return self._metadata[name]

    def _signed(self, subject: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self._settings.client_id,
            "sub": subject,
            "aud": self._settings.issuer,
            "iat": now,
            "exp": now + ASSERTION_LIFE,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, self._key, algorithm="ES256")


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        fields = answer.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise WafError(f"HTTP {answer.status_code} without JSON", unavailable=True)
    return fields
