"""A WAF of the lab: makes keys, publishes them, signs access tokens (RFC 9068).

It signs whatever it is told to, also what no WAF should; that is what it is for.
"""

from __future__ import annotations

import json
import secrets
import threading
import time

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import jwt

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from lab.sidecar import AUDIENCE


SCOPE = "webrtc-ims-client-access-to-ims"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One ES256 key with its name."""

    kid: str = field(default_factory=lambda: secrets.token_hex(4))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def public_jwk(self) -> dict[str, Any]:
        """Return what a JWKS says of it."""
        jwk: dict[str, Any] = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**jwk, "kid": self.kid, "use": "sig", "alg": "ES256"}


class Issuer:
    """Signs tokens in the name of one `iss`."""

    def __init__(self, url: str, wwsf: str) -> None:
        self.url = url
        self.wwsf = wwsf
        self.key = SigningKey()
        self.issued: list[str] = []
        "Every token, to look for where none may be."

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is no longer published."""
        self.key = SigningKey()

    def jwks(self) -> str:
        """Return the JWKS (RFC 7517)."""
        return json.dumps({"keys": [self.key.public_jwk()]})

    def write_jwks(self, path: Path) -> Path:
        """Write the JWKS to a file."""
        path.write_text(self.jwks())
        return path

    def claims(self, impi: str, impus: Iterable[str], **more: Any) -> dict[str, Any]:
        """Make the claims of a good token; None as a value leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": f"user of {impi}",
            "client_id": self.wwsf,
            "iat": now,
            "exp": now + 3600,
            "jti": secrets.token_hex(8),
            "scope": SCOPE,
            "ims_impi": impi,
            "ims_impu": list(impus),
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        impi: str = "alice@ims.example",
        impus: Iterable[str] = (),
        headers: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> str:
        """Sign a good token, or one that is good but for *more* claims and *headers*."""
        claims = self.claims(impi, impus or [f"sip:{impi}"], **more)
        header = {"typ": "at+jwt", "kid": self.key.kid, **(headers or {})}
        token = jwt.encode(claims, self.key.private, algorithm="ES256", headers=header)
        self.issued.append(token)
        return token


class JwksServer:
    """Publishes the keys of an issuer over HTTP on loopback.

    `gate` holds answers back while it is cleared; `status` other than 200 makes it fail.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.status = 200
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.came = threading.Semaphore(0)
        "Released once for every request that came in."
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked += 1
                server.came.release()
                server.gate.wait(60)
                body = server.issuer.jwks().encode()
                self.send_response(server.status)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/jwks"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()
