"""Credentials: what the Authorization header of a REGISTER offers.

Both forms of a bearer token are taken (the scheme's case does not matter):

* `Bearer <b64token>` (RFC 6750 2.1, which RFC 8898 2.1.3 refers to);
* `Bearer access_token="<token>"`, further parameters allowed (TS 24.371 A.3.2).

Everything else is a reason to refuse: nothing offered, nothing legible, two credentials in
one header, or a scheme that is not judged here.
"""

from __future__ import annotations

import hashlib
import re

from dataclasses import dataclass

from epcscfd.domain.reasons import Reason


LONGEST_TOKEN = 16 * 1024
"Characters; four times what a token with many identities takes."

LONGEST_AUTHORIZATION = LONGEST_TOKEN + 1024
"Characters: such a token, its scheme, and parameters beside it."

_FOLD = re.compile(r"\r\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WORD = r"[A-Za-z0-9\-.!%*_+`'~]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SCHEME = re.compile(rf"({_WORD})(?:[ \t]+(.*))?")
_USUAL = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr][ \t]+([A-Za-z0-9\-._~+/]+=*)")
"What nearly every client sends; one look instead of five at as many hundred characters."
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_PARAMETER = re.compile(rf"[ \t]*({_WORD})[ \t]*=[ \t]*({_WORD}|{_QUOTED})[ \t]*(?=,|$)")
_JOINED_BEARER = re.compile(r",[ \t]*bearer(?:[ \t]|$)", re.IGNORECASE)
_ANY_QUOTED = re.compile(_QUOTED)
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, repr=False)
class BearerToken:
    """A bearer token. Shows a digest of itself, never itself."""

    value: str

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.value.encode()).hexdigest()
        return f"BearerToken({digest[:12]}…)"


def parse_authorization(value: str) -> BearerToken | Reason:
    """Find the bearer token in an Authorization header, or say why there is none."""
    if len(value) > LONGEST_AUTHORIZATION:
        return Reason.CREDENTIALS_TOO_LONG
    usual = _USUAL.fullmatch(value)
    if usual and not _is_empty_parameter(usual[1]):
        return _bounded(usual[1])
    text = _FOLD.sub(" ", value).strip(" \t")
    if not text:
        return Reason.CREDENTIALS_MISSING
    parts = None if _CONTROL.search(text) else _SCHEME.fullmatch(text)
    if parts is None:
        return Reason.CREDENTIALS_MALFORMED
    if parts[1].lower() != "bearer":
        return _other_scheme(text)
    return _bearer(parts[2] or "")


def _bearer(text: str) -> BearerToken | Reason:
    if _B64TOKEN.fullmatch(text) and not _is_empty_parameter(text):
        return _bounded(text)
    tokens = [value for name, value in _parameters(text) if name == "access_token"]
    if len(tokens) == 1 and tokens[0].startswith('"'):
        token = _QUOTED_PAIR.sub(r"\1", tokens[0][1:-1])
        if _B64TOKEN.fullmatch(token):
            return _bounded(token)
    return Reason.CREDENTIALS_MALFORMED


def _is_empty_parameter(text: str) -> bool:
    # It has the looks of a b64token, and is an empty one in the other form.
    return text[:13].lower() == "access_token=" == text.lower()


def _bounded(token: str) -> BearerToken | Reason:
    return Reason.CREDENTIALS_TOO_LONG if len(token) > LONGEST_TOKEN else BearerToken(token)


def _parameters(text: str) -> list[tuple[str, str]]:
    """Split a list of auth-params; empty if it is none."""
    found = []
    position = 0
    while parameter := _PARAMETER.match(text, position):
        found.append((parameter[1].lower(), parameter[2]))
        if parameter.end() == len(text):
            return found
        position = parameter.end() + len(",")
    return []


def _other_scheme(text: str) -> Reason:
    if _JOINED_BEARER.search(_ANY_QUOTED.sub('""', text)):
        return Reason.CREDENTIALS_MALFORMED
    return Reason.CREDENTIALS_OTHER_SCHEME
