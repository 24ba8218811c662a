"""Strict reading: a JWT in compact form (RFC 7515 3.1), taken apart before it is believed.

What is ambiguous is refused, because two readers could understand it differently: a member
that comes twice, base64url with padding or loose bits, numbers that JSON does not have.
"""

from __future__ import annotations

import binascii
import json
import re

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NoReturn


_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_LAST = ("", (), tuple("AQgw"), tuple("AEIMQUYcgkosw048"))
"""By length modulo four: what the text ends with if its last character has no loose bits
(RFC 4648 3.5)."""
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")

HEADERS_AT_HAND = 64
"An issuer signs with few keys, so the headers of its tokens are few as well."


class Illegible(ValueError):  # noqa: N818 - named for what is wrong
    """The text is no JWT, or can be read in more than one way."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A JWT, taken apart and not yet verified."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signing_input: bytes
    signature: bytes


def open_envelope(token: str) -> Envelope:
    """Take *token* apart. Raise Illegible unless there is exactly one way to do it."""
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise Illegible("not three parts in base64url")
    return Envelope(
        header=_read_header(parts[1]),
        claims=read_object(_decoded(parts[2])),
        signing_input=token[: parts.end(2)].encode(),
        signature=_decoded(parts[3]),
    )


def decode_base64url(text: str) -> bytes:
    """Decode unpadded base64url. Raise Illegible if another text could mean the same bytes."""
    if not _BASE64URL.fullmatch(text):
        raise Illegible("not canonical base64url")
    return _decoded(text)


def _decoded(text: str) -> bytes:
    """Decode *text*, of whose characters base64url is made. Raise Illegible."""
    if not text.endswith(_LAST[len(text) % 4]):
        raise Illegible("not canonical base64url")
    return binascii.a2b_base64(text.encode().translate(_TO_BASE64) + b"==")


@lru_cache(maxsize=HEADERS_AT_HAND)
def _read_header(text: str) -> Mapping[str, object]:
    return MappingProxyType(read_object(decode_base64url(text)))


def read_object(document: bytes) -> Mapping[str, object]:
    """Read a JSON object. Raise Illegible if a member comes twice, at any depth."""
    try:
        value = _DECODER.decode(document.decode())
    # A number of too many digits is a ValueError as well; nesting without end recurses.
    except (ValueError, RecursionError) as error:
        raise Illegible(str(error) if isinstance(error, Illegible) else "not JSON") from None
    if not isinstance(value, dict):
        raise Illegible("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Illegible("a member comes twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Illegible(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
