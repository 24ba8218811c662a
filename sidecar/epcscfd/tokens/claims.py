"""Claims: from the JSON of a verified token to an access token of the domain.

Types are checked here and nowhere else; RFC 7519 leaves much open that RFC 9068 2.2 does
not. Whether the values suffice is the domain's to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.policy import AuthorizationEntity
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken
from epcscfd.tokens.strict import Illegible, decode_base64url


LONGEST_TEXT = 255
"Characters of a claim that names somebody or something."

MOST_VALUES = 100
"Of a claim that is a list."

_LATEST = 253_402_300_799
"The end of the year 9999, which is where `datetime` ends."

_THUMBPRINT = "x5t#S256"
_SHA256_SIZE = 32

Claims = Mapping[str, object]
_Identity = TypeVar("_Identity", Impi, Impu)


class ClaimFault(Exception):  # noqa: N818 - named for what is wrong
    """A claim is missing, of the wrong type, or cannot be honoured."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_claims(claims: Claims, entity: AuthorizationEntity) -> AccessToken:
    """Read the *claims* of a token of *entity*. Raise ClaimFault."""
    names = entity.claims
    token_id = _text(claims, "jti") if "jti" in claims or entity.one_time_tokens else ""
    return AccessToken(
        entity=entity.id,
        issuer=entity.issuer,
        subject=_text(claims, "sub"),
        audience=_texts(claims, "aud"),
        scope=_scope(claims, names.scope),
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
        not_before=_time(claims, "nbf") if "nbf" in claims else None,
        wwsf=_text(claims, names.wwsf) if names.wwsf in claims else "",
        impi=_impi(claims, names.impi),
        impus=_impus(claims, names.impu),
        token_id=token_id,
        certificate=_certificate(claims),
    )


def _text(claims: Claims, name: str) -> str:
    return _checked_text(claims.get(name), name)


def _checked_text(value: object, name: str) -> str:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{name} is no text, or one too long")


def _texts(claims: Claims, name: str) -> frozenset[str]:
    return frozenset(_checked_text(value, name) for value in _values(claims.get(name), name))


def _values(value: object, name: str) -> list[object]:
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_VALUES:
        raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{name} has too many values")
    return values


def _scope(claims: Claims, name: str) -> frozenset[str]:
    # RFC 8693 4.2: one text, its values separated by spaces; some issuers send a list.
    value = claims.get(name, "")
    if isinstance(value, str):
        return frozenset(value.split(" ")) - {""}
    return _texts(claims, name)


def _time(claims: Claims, name: str) -> datetime:
    value = claims.get(name)
    # `true` is an integer to Python; fractions of a second are one to nobody.
    if type(value) is int and 0 <= value <= _LATEST:
        return datetime.fromtimestamp(value, UTC)
    raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{name} is no time in whole seconds")


def _impi(claims: Claims, name: str) -> Impi | None:
    return _identity(Impi.parse, claims[name], name) if name in claims else None


def _impus(claims: Claims, name: str) -> frozenset[Impu]:
    values = _values(claims.get(name, []), name)
    return frozenset(_identity(Impu.parse, value, name) for value in values)


def _identity(parse: Callable[[str], _Identity], value: object, name: str) -> _Identity:
    if not isinstance(value, str):
        raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{name} is no text")
    try:
        return parse(value)
    except MalformedIdentity as error:
        raise ClaimFault(Reason.IDENTITY_MALFORMED, f"{name}: {error}") from None


def _certificate(claims: Claims) -> str:
    binding = claims.get("cnf")
    if "cnf" not in claims:
        return ""
    # RFC 8705 3.1. A binding that is not understood cannot be honoured, and a token whose
    # binding is not honoured is worth stealing.
    if not isinstance(binding, dict) or set(binding) != {_THUMBPRINT}:
        raise ClaimFault(Reason.BINDING_UNKNOWN, f"cnf is not just {_THUMBPRINT}")
    try:
        digest = decode_base64url(_checked_text(binding[_THUMBPRINT], _THUMBPRINT))
    except Illegible as error:
        raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{_THUMBPRINT} is {error}") from None
    if len(digest) != _SHA256_SIZE:
        raise ClaimFault(Reason.CLAIMS_MALFORMED, f"{_THUMBPRINT} is no SHA-256")
    return digest.hex()
