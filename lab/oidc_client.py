"""A WWSF as a client of an authorization server, by RFC 6749 and OpenID Connect.

It plays the browser of its user as well, who follows where the server sends it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from lab.oidc_provider import OidcProvider


@dataclass(frozen=True, slots=True)
class Registration:
    """What client and server have agreed on (RFC 7591 2)."""

    client_id: str
    secret: str
    redirect_uri: str
    scope: str

    def metadata(self) -> Mapping[str, Any]:
        """Say so as the server wants to hear it."""
        return {
            "client_id": self.client_id,
            "client_secret": self.secret,
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "client_credentials"],
            "response_types": ["code"],
            "id_token_signed_response_alg": "ES256",
        }


class OidcClient:
    """One client, which proves itself by a secret."""

    def __init__(self, server: OidcProvider, registration: Registration) -> None:
        self.issued: list[str] = []
        "Every token, to look for where none may be."
        self._registered = registration
        self._trust = server.trust
        self._endpoints = server.metadata()

    def log_in(self, user: str, resource: str) -> Mapping[str, str]:
        """Get the tokens of *user* for *resource*: access and ID token, by code with PKCE."""
        verifier = secrets.token_urlsafe(32)
        challenge = hashlib.sha256(verifier.encode()).digest()
        question = {
            "response_type": "code",
            "client_id": self._registered.client_id,
            "redirect_uri": self._registered.redirect_uri,
            "scope": f"openid {self._registered.scope}",
            "resource": resource,
            "login_hint": user,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        code = self._browse(question)
        grant = {
            "code": code,
            "redirect_uri": self._registered.redirect_uri,
            "code_verifier": verifier,
        }
        return self._tokens("authorization_code", {**grant, "resource": resource})

    def token_of_its_own(self, resource: str) -> str:
        """Get an access token in its own name (client credentials, RFC 6749 4.4)."""
        form = {"scope": self._registered.scope, "resource": resource}
        return self._tokens("client_credentials", form)["access_token"]

    def revoke(self, token: str) -> None:
        """Give *token* back (RFC 7009)."""
        self._post("revocation_endpoint", {"token": token})

    def _browse(self, question: Mapping[str, str]) -> str:
        """Follow the server until it sends the browser back; return the code."""
        url = f"{self._endpoints['authorization_endpoint']}?{httpx2.QueryParams(question)}"
        with httpx2.Client(verify=self._trust, trust_env=False) as browser:
            while not url.startswith(self._registered.redirect_uri):
                answer = browser.get(url)
                if not answer.has_redirect_location:
                    raise RuntimeError(f"no login: {answer.status_code} {answer.text}")
                url = str(answer.url.join(answer.headers["Location"]))
        given = parse_qs(urlsplit(url).query)
        if "code" not in given:
            raise RuntimeError(f"no code: {given}")
        return given["code"][0]

    def _tokens(self, grant_type: str, form: Mapping[str, str]) -> Mapping[str, str]:
        answer = self._post("token_endpoint", {"grant_type": grant_type, **form})
        tokens: Mapping[str, str] = answer.json()
        self.issued += [tokens[kind] for kind in ("access_token", "id_token") if kind in tokens]
        return tokens

    def _post(self, endpoint: str, form: Mapping[str, str]) -> httpx2.Response:
        identity = (self._registered.client_id, self._registered.secret)
        with httpx2.Client(verify=self._trust, trust_env=False) as http:
            answer = http.post(self._endpoints[endpoint], data=form, auth=identity)
        if answer.is_error:
            raise RuntimeError(f"{endpoint}: {answer.status_code} {answer.text}")
        return answer
