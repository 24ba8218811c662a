"""An authorization server that we did not write, as a process: the npm package oidc-provider.

It is here to show that the eP-CSCF takes tokens of any server that keeps to the standards. What
is ours of it is `oidc/server.mjs`: settings.
"""

from __future__ import annotations

import json
import secrets
import socket
import ssl

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from lab.certificates import Authority
from lab.child import Child
from lab.logfile import LogFile
from lab.ports import free_port


PROGRAM = Path(__file__).parent / "oidc" / "server.mjs"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource server, as its authorization server knows it (RFC 8707)."""

    audience: str
    scope: str
    form: str
    "`jwt` or `opaque`: what its access tokens are."

    def terms(self) -> Mapping[str, Any]:
        """Say so in the words of that server."""
        jwt = {"sign": {"alg": "ES256"}}
        return {
            "audience": self.audience,
            "scope": self.scope,
            "accessTokenFormat": self.form,
            **({"jwt": jwt} if self.form == "jwt" else {}),
        }


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """Whom and what one server knows."""

    issuer: str
    clients: Sequence[Mapping[str, Any]]
    "Their metadata (RFC 7591)."
    resources: Mapping[str, Resource]
    claims: Mapping[str, Mapping[str, Any]]
    "More claims of access tokens, by user or, where nobody has logged in, by client."


class OidcProvider(Child):
    """One such server on loopback, over HTTPS."""

    def __init__(self, run_dir: Path, plan: ProviderPlan, authority: Authority) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.plan = plan
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.trust = ssl.create_default_context(cafile=str(authority.certificate))
        credential = authority.issue_server("oidc-provider")
        path = run_dir / "plan.json"
        path.touch(mode=0o600)
        written = {
            "issuer": plan.issuer,
            "port": self.port,
            "certificate": str(credential.certificate),
            "key": str(credential.key),
            "cookieKey": secrets.token_hex(16),
            "clients": plan.clients,
            "resources": {name: resource.terms() for name, resource in plan.resources.items()},
            "claims": plan.claims,
        }
        path.write_text(json.dumps(written))
        command = ("node", str(PROGRAM), str(path))
        super().__init__("oidc-provider", command, LogFile(run_dir / "log"), self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def metadata(self) -> Mapping[str, Any]:
        """Tell what the server says of itself (OpenID Connect Discovery 4)."""
        with httpx2.Client(verify=self.trust, trust_env=False) as http:
            answer = http.get(f"{self.url}/.well-known/openid-configuration").raise_for_status()
        metadata: Mapping[str, Any] = answer.json()
        return metadata
