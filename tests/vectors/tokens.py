"""Tokens that must not pass, each with the reason that it is to be refused for.

Made with keys that never change, as if the time were *now*. They assume an authorization
entity that signs with ES256 under the name `ec-1` and with RS256 under `rsa-1`.
"""

from __future__ import annotations

import json

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.builders import NOW
from tests.vectors.signing import (
    a_header,
    an_ec_key,
    an_rsa_key,
    base64url,
    hmac_signed,
    jwks,
    signed,
    some_claims,
    unsigned,
)


ALGORITHMS = ("ES256", "RS256")
OURS = an_ec_key()
OURS_RSA = an_rsa_key()
STRANGERS = an_ec_key("ec-1", seed=99)


@dataclass(frozen=True, slots=True)
class Attack:
    """A token that must not pass."""

    name: str
    reason: str
    token: str


def published_keys() -> bytes:
    """The JWKS of the entity that the attacks are against."""
    return jwks(OURS, OURS_RSA)


def attacks(now: float = NOW.timestamp()) -> Iterator[Attack]:
    """All of them."""
    for maker in (_algorithms, _headers, _names, _signatures, _types, _claims, _shapes):
        for name, reason, token in maker(now):
            yield Attack(name, reason, token)


_Rows = Iterator[tuple[str, str, str]]


def _with_header(now: float, **header: Any) -> str:
    return signed(json.dumps(a_header(OURS, **header)), json.dumps(some_claims(now)), OURS)


def _with_claims(now: float, **claims: Any) -> str:
    return signed(json.dumps(a_header(OURS)), json.dumps(some_claims(now, **claims)), OURS)


def _algorithms(now: float) -> _Rows:
    claims = json.dumps(some_claims(now))
    for name in ("none", "None", "nOnE", ""):
        header = json.dumps(a_header(OURS, alg=name))
        yield f"alg {name!r} and no signature", "algorithm_refused", unsigned(header, claims) + "."
        yield f"alg {name!r} and a signature", "algorithm_refused", signed(header, claims, OURS)
    secrets = {
        "the public RSA key": OURS_RSA.pem().encode(),
        "the public EC key": OURS.pem().encode(),
        "the JWKS": published_keys(),
        "nothing": b"",
    }
    for name, secret in secrets.items():
        token = hmac_signed(a_header(OURS_RSA, alg="HS256"), some_claims(now), secret)
        yield f"HS256 with {name} for a secret", "algorithm_refused", token
    for value in (["ES256"], {"ES256": 1}, 256, True, None, "es256", "ES384", "PS256"):
        yield f"alg {value!r}", "algorithm_refused", _with_header(now, alg=value)


def _headers(now: float) -> _Rows:
    stranger = an_ec_key("ec-9", seed=9)
    url = "https://evil.example/jwks.json"
    members: dict[str, Any] = {
        "jwk": stranger.jwk(),
        "jku": url,
        "x5u": url,
        "x5c": ["MIIB"],
        "zip": "DEF",
        "b64": False,
        "enc": "A128GCM",
    }
    for name, value in members.items():
        header = json.dumps(a_header(stranger, **{name: value}))
        token = signed(header, json.dumps(some_claims(now)), stranger)
        yield f"a header with {name}", "token_header_refused", token
    for value in (["evil"], ["exp"], ["b64"], [], "exp"):
        yield f"crit {value!r}", "token_header_refused", _with_header(now, crit=value)


def _names(now: float) -> _Rows:
    names = [
        "../../../../dev/null",
        "x' UNION SELECT 'key'--",
        "ec-1\0",
        "EC-1",
        "ec-1 ",
        "",
        "k" * 4000,
        ["ec-1"],
        {"kid": "ec-1"},
        1,
        True,
    ]
    for name in names:
        yield f"kid {str(name)[:30]!r}", "key_unknown", _with_header(now, kid=name)
    yield "the name of a key of another kind", "key_unknown", _with_header(now, kid="rsa-1")
    token = signed(
        json.dumps(a_header(OURS_RSA, kid="ec-1")), json.dumps(some_claims(now)), OURS_RSA
    )
    yield "a key of another kind under a good name", "key_unknown", token


def _signatures(now: float) -> _Rows:
    header, claims = json.dumps(a_header(OURS)), json.dumps(some_claims(now))
    message, _, signature = signed(header, claims, OURS).rpartition(".")
    raw = OURS.sign(message.encode())
    halves = (int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    other = unsigned(header, json.dumps(some_claims(now, sub="somebody else")))
    bad = {
        "a stranger's signature": base64url(STRANGERS.sign(message.encode())),
        "no signature": "",
        "a signature cut short": base64url(raw[:63]),
        "a signature and more": base64url(raw + b"\0"),
        "zeros for a signature": base64url(bytes(64)),
        "a signature of the largest numbers": base64url(b"\xff" * 64),
        "a signature in DER": base64url(encode_dss_signature(*halves)),
        "one bit of a signature turned": base64url(bytes([raw[0] ^ 1]) + raw[1:]),
    }
    for name, text in bad.items():
        yield name, "signature_invalid", f"{message}.{text}"
    yield "other claims under a good signature", "signature_invalid", f"{other}.{signature}"
    rsa_header = json.dumps(a_header(OURS_RSA))
    yield "PSS called PKCS1", "signature_invalid", signed(rsa_header, claims, OURS_RSA, "PS256")


def _types(now: float) -> _Rows:
    for value in ("JWT", "id+jwt", "logout+jwt", "rt+jwt", "at+jwt ", "", None, 1, ["at+jwt"]):
        yield f"typ {value!r}", "token_type_refused", _with_header(now, typ=value)


def _claims(now: float) -> _Rows:
    soon = int(now) + 600
    malformed: dict[str, list[Any]] = {
        "exp": [None, str(soon), soon + 0.5, True, [soon], {}, -1, 253_402_300_800, 10**30],
        "iat": [None, str(soon), 1.5, False, -1],
        "nbf": [str(soon), 1.5, True, []],
        "sub": [None, "", 7, "a\0b", "a\nb", "s" * 256, ["alice"]],
        "aud": [None, 7, ["epcscf.home1.net", 7], {"epcscf.home1.net": 1}, "", ["a"] * 101],
        "jti": ["", 7, "j" * 256, "j\0"],
        "scope": [7, {"webrtc-ims-client-access-to-ims": True}],
        "client_id": ["", 7, ["shop-client"]],
        "ims_impi": [7, ["alice@home1.net"], {}],
        "ims_impu": [7, [7], {}, [["sip:alice@home1.net"]], ["sip:alice@home1.net"] * 101],
    }
    for name, values in malformed.items():
        for value in values:
            token = _with_claims(now, **{name: value})
            yield f"{name} {str(value)[:30]!r}", "claims_malformed", token
    for value in (
        None,
        "https://evil.example",
        "https://waf.home1.net/",
        ["https://waf.home1.net"],
    ):
        yield f"iss {value!r}", "entity_unknown", _with_claims(now, iss=value)
    yield from _identities(now)
    yield from _bindings(now)


def _identities(now: float) -> _Rows:
    for impi in ('a"b@home1.net', "a\r\nb@home1.net", "a,b@home1.net", "alice", "sip:a@home1.net"):
        yield f"ims_impi {impi!r}", "identity_malformed", _with_claims(now, ims_impi=impi)
    for impu in ("sip:a\r\nb@home1.net", 'sip:a"b@home1.net', "alice", "sips:alice@home1.net", ""):
        token = _with_claims(now, ims_impu=["sip:alice@home1.net", impu])
        yield f"ims_impu {impu!r} beside a good one", "identity_malformed", token


def _bindings(now: float) -> _Rows:
    digest = base64url(bytes(32))
    unknown: list[Any] = [
        {"jkt": digest},
        {"jwk": OURS.jwk()},
        {"kid": "x"},
        {"x5t#S256": digest, "jkt": digest},
        {},
        "x5t#S256",
        [],
    ]
    for value in unknown:
        yield f"cnf {str(value)[:40]}", "binding_unknown", _with_claims(now, cnf=value)
    for thumbprint in ("", 7, digest[:-1], digest + "A", digest[:-1] + "B", digest + "="):
        token = _with_claims(now, cnf={"x5t#S256": thumbprint})
        yield f"cnf of certificate {thumbprint!r}", "claims_malformed", token


def _shapes(now: float) -> _Rows:
    header, claims = json.dumps(a_header(OURS)), json.dumps(some_claims(now))
    good = signed(header, claims, OURS)
    texts: dict[str, tuple[str, str | bytes]] = {
        "a member of the claims twice": (header, claims[:-1] + ', "sub": "root"}'),
        "a member of the header twice": (header[:-1] + ', "alg": "ES256"}', claims),
        "a member twice further down": (header, claims[:-1] + ', "x": {"y": 1, "y": 2}}'),
        "NaN": (header, claims[:-1] + ', "x": NaN}'),
        "an infinite exp": (header, claims.replace(str(int(now) + 600), "Infinity")),
        "a number without end": (header, claims[:-1] + f', "x": 1{"0" * 5000}}}'),
        "nesting without end": (header, claims[:-1] + f', "x": {"[" * 5000}{"]" * 5000}}}'),
        "claims that are a list": (header, f"[{claims}]"),
        "claims that are a text": (header, '"claims"'),
        "claims that are a token": (header, good),
        "empty claims": (header, " "),
        "a header that is null": ("null", claims),
        "text after the claims": (header, claims + "x"),
        "a byte order mark": (header, "\ufeff" + claims),
        "claims in Latin-1": (header, claims.replace("web", "wéb").encode("latin-1")),
        "claims in UTF-16": (header, claims.encode("utf-16")),
    }
    for name, (first, second) in texts.items():
        yield name, "token_malformed", signed(first, second, OURS)
    first, second, third = good.split(".")
    shapes = {
        "one part": first,
        "two parts": f"{first}.{second}",
        "four parts": f"{good}.{third}",
        "five parts, as of an encrypted token": f"{first}.{second}.{third}.{third}.{third}",
        "no header": f".{second}.{third}",
        "no claims": f"{first}..{third}",
        "padding": f"{first}.{second}.{third}==",
        "the other base64": f"{first}.{second}.{'+' + third[1:]}",
        "loose bits at the end": f"{first}.{second}.{third[:-1]}{_next(third[-1])}",
        "a length that no bytes have": f"{first}.{second}.{third}AAA",
        "an opaque token": "O91G451HZ0V83opz6udiSEjchPynd2Ss9......",
    }
    for name, token in shapes.items():
        yield name, "token_malformed", token


def _next(character: str) -> str:
    # 64 bytes leave four bits of the last character unused.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) + 1]
