"""An introspection endpoint of the lab (RFC 7662): a real server that asks who is asking.

It hands out opaque tokens and answers for them. `gate` holds answers back while it is cleared;
`status` other than 200 makes it fail.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote_plus

import jwt

from lab.certificates import Credential
from lab.issuer import Issuer


CLIENT_ID = "epcscf of lab: 1"
"With characters that have to be encoded (RFC 6749 2.3.1)."

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION_LIFE = 300


@dataclass
class Askers:
    """Who may ask, by each way of proving it that is not empty."""

    basic: str = ""
    post: str = ""
    key: Any = None
    "Public key of `private_key_jwt`."
    certificate: str = ""
    "Common name of the certificate."
    used: set[str] = field(default_factory=set)
    "`jti` of assertions."

    def knows(
        self, headers: Mapping[str, str], form: Mapping[str, str], peer: str, issuer: str
    ) -> bool:
        """Tell whether a request comes from our eP-CSCF, by exactly one proof."""
        proofs = (
            self._is_basic(headers.get("Authorization", "")),
            self._is_post(form),
            self._is_assertion(form, issuer),
            bool(self.certificate) and peer == self.certificate,
        )
        return sum(proofs) == 1

    def _is_basic(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme != "Basic" or not self.basic:
            return False
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, self.basic)

    def _is_post(self, form: Mapping[str, str]) -> bool:
        shown = (form.get("client_id"), form.get("client_secret"))
        return bool(self.post) and shown == (CLIENT_ID, self.post)

    def _is_assertion(self, form: Mapping[str, str], issuer: str) -> bool:
        if self.key is None or form.get("client_assertion_type") != ASSERTION_TYPE:
            return False
        try:
            claims = jwt.decode(
                form["client_assertion"],
                self.key,
                algorithms=["ES256", "EdDSA", "PS256"],
                audience=issuer,
                issuer=CLIENT_ID,
                options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
            )
        except (jwt.PyJWTError, KeyError):
            return False
        fresh = claims["jti"] not in self.used
        self.used.add(claims["jti"])
        short = claims["exp"] - claims["iat"] <= LONGEST_ASSERTION_LIFE
        return fresh and short and claims["sub"] == CLIENT_ID


class IntrospectionServer:
    """Answers for the opaque tokens of one issuer, over HTTP or HTTPS on loopback."""

    def __init__(
        self,
        issuer: Issuer,
        askers: Askers | None = None,
        tls: tuple[Credential, str] | None = None,
    ) -> None:
        self.issuer = issuer
        self.askers = askers or Askers(basic="a secret: with %, + and ü")
        self.answers: dict[str, dict[str, Any]] = {}
        "By token; what is not here is not active."
        self.status = 200
        self.body: bytes | None = None
        "In place of an answer."
        self.asked: list[dict[str, str]] = []
        "The forms that came."
        self.refused = 0
        self.gate = threading.Event()
        self.gate.set()
        self.came = threading.Semaphore(0)
        "Released once for every request that came in."
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        scheme = "http"
        if tls is not None:
            credential, authority = tls
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_cert_chain(credential.certificate, credential.key)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self._http.server_port}/introspect"

    def token(
        self, impi: str = "alice@ims.example", impus: Iterable[str] = (), **more: Any
    ) -> str:
        """Hand out an opaque token that is good but for *more* members of its answer."""
        token = secrets.token_urlsafe(32)
        claims = self.issuer.claims(impi, impus or [f"sip:{impi}"], **more)
        self.answers[token] = {"active": True, "token_type": "Bearer", **claims}
        self.issuer.issued.append(token)
        return token

    def revoke(self, token: str) -> None:
        """Say from now on that *token* is not active."""
        del self.answers[token]

    def answer(self, token: str) -> bytes:
        """Make the answer about *token*."""
        if self.body is not None:
            return self.body
        return json.dumps(self.answers.get(token, {"active": False})).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()


def _handler(server: IntrospectionServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = dict(parse_qsl(self.rfile.read(length).decode(), strict_parsing=True))
            server.asked.append(form)
            server.came.release()
            server.gate.wait(60)
            if server.askers.knows(dict(self.headers), form, self._peer(), server.issuer.url):
                self._send(server.status, server.answer(form["token"]))
            else:
                server.refused += 1
                self._send(401, b'{"error": "invalid_client"}')

        def _peer(self) -> str:
            if not isinstance(self.connection, ssl.SSLSocket):
                return ""
            certificate: Any = self.connection.getpeercert() or {}
            subject = dict(part[0] for part in certificate.get("subject", ()))
            return str(subject.get("commonName", ""))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
