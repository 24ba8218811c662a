"""Identities (TS 23.003 clause 13). Parsed once, compared in canonical form ever after.

* A private identity is a network access identifier, `user@realm` (RFC 4282 2.1).
* A public identity is a SIP URI or a tel URI without port, parameters and headers.
* Only the part before `@` of a SIP URI keeps its case (RFC 3261 19.1.4).
* Nothing is guessed: a text that is no identity of its kind is refused, never repaired.
"""

from __future__ import annotations

import ipaddress
import re
import string

from dataclasses import dataclass
from functools import lru_cache
from typing import Self


HOSTS_AT_HAND = 256
"Far more than there are home domains and realms in one deployment."

LONGEST_IDENTITY = 512
"Half of what the edge's software takes for a URI."

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?:{_LABEL}\.)*[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
_LONGEST_HOSTNAME = 253

_NAI_USER = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")

USER_CHARACTERS = f"{string.ascii_letters}{string.digits}-_.!~*'()&=+$,;?/%"
"What user parts of SIP URIs are made of, in canonical form."

NUMBER_CHARACTERS = f"+{string.digits}"
"What tel URIs are made of, in canonical form."

_UNRESERVED = "A-Za-z0-9\\-_.!~*'()"
# Possessive: there is one way to read it, and no looking back takes half of the time.
_SIP_USER = re.compile(rf"(?:[{_UNRESERVED}&=+$,;?/]++|%[0-9A-Fa-f]{{2}})++")
_SIP_TAIL = re.compile(
    r"(?::(?P<port>[0-9]{1,5}))?"
    rf"(?:;(?:[{_UNRESERVED}\[\]/:&+$=]|%[0-9A-Fa-f]{{2}})+)*"
    rf"(?:\?(?:[{_UNRESERVED}\[\]/?:+$=&]|%[0-9A-Fa-f]{{2}})+)?"
)
_HOST_AND_TAIL = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?P<tail>.*)", re.DOTALL)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_ESCAPED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_PLAIN = re.compile(rf"[{_UNRESERVED}]")
_GLOBAL_NUMBER = re.compile(r"\+[-.()]*[0-9][0-9\-.()]*")
VISUAL_SEPARATORS = str.maketrans("", "", "-.()")
_HIGHEST_PORT = 65535


class MalformedIdentity(ValueError):  # noqa: N818 - named for what is wrong
    """The text is no identity of its kind."""


@dataclass(frozen=True, slots=True, order=True)
class Impi:
    """IP Multimedia Private Identity, canonical: the realm in lower case."""

    user: str
    realm: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise MalformedIdentity unless *text* is `user@realm`."""
        user, _, realm = _bounded(text).rpartition("@")
        _matched(_NAI_USER, user, "not a network access identifier")
        return cls(user=user, realm=parse_hostname(realm))

    @property
    def is_pattern(self) -> bool:
        """Tell whether it looks like a wildcarded identity (TS 23.003 13.5)."""
        return self.user.count("!") > 1

    def __str__(self) -> str:
        return f"{self.user}@{self.realm}"


@dataclass(frozen=True, slots=True, order=True)
class Impu:
    """IP Multimedia Public Identity, canonical: a SIP URI or a tel URI."""

    scheme: str
    "`sip` or `tel`."
    user: str
    "For tel: `+` and digits."
    domain: str | None
    "None: a tel URI."

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise MalformedIdentity unless *text* is a bare SIP URI or global tel URI."""
        scheme, _, rest = _bounded(text).partition(":")
        match scheme.lower():
            case "sip":
                user, _, host = rest.rpartition("@")
                return cls(scheme="sip", user=canonical_user(user), domain=_sip_host(host))
            case "tel":
                return cls(scheme="tel", user=canonical_number(rest), domain=None)
            # A sips: URI asks for TLS at every hop, which nobody here can promise.
            case _:
                raise MalformedIdentity("neither sip: nor tel:")

    def __str__(self) -> str:
        if self.domain is None:
            return f"{self.scheme}:{self.user}"
        return f"{self.scheme}:{self.user}@{self.domain}"


def canonical_user(text: str) -> str:
    """Give the user part of a SIP URI in canonical form, or raise MalformedIdentity."""
    _matched(_SIP_USER, text, "not the user part of a SIP URI")
    if "%" not in text:
        return text
    if _ESCAPED_CONTROL.search(text):
        raise MalformedIdentity("escaped control character")
    return _ESCAPE.sub(_canonical_escape, text)


def canonical_number(text: str) -> str:
    """Give a global number in canonical form, or raise MalformedIdentity.

    Parameters are refused: `;ext=` and its like make it another number (RFC 3966 5).
    """
    _matched(_GLOBAL_NUMBER, text, "not a global number")
    return text.translate(VISUAL_SEPARATORS)


@lru_cache(maxsize=HOSTS_AT_HAND)
def parse_hostname(text: str) -> str:
    """Give a host name or IPv4 address in lower case, or raise MalformedIdentity."""
    if len(text) <= _LONGEST_HOSTNAME and _HOSTNAME.fullmatch(text):
        return text.lower()
    return str(_address(ipaddress.IPv4Address, text))


@lru_cache(maxsize=HOSTS_AT_HAND)
def _sip_host(text: str) -> str:
    parts = _matched(_HOST_AND_TAIL, text, "no host")
    tail = _matched(_SIP_TAIL, parts["tail"], "malformed after the host")
    # The port is no part of the identity, but has to be one.
    if int(tail["port"] or 0) > _HIGHEST_PORT:
        raise MalformedIdentity("no such port")
    host = parts["host"]
    if host.startswith("["):
        return f"[{_address(ipaddress.IPv6Address, host[1:-1])}]"
    return parse_hostname(host)


def _canonical_escape(escape: re.Match[str]) -> str:
    # RFC 3261 19.1.4: an escaped character equals the bare one unless it is reserved.
    character = chr(int(escape[1], 16))
    return character if _PLAIN.fullmatch(character) else escape[0].upper()


def _address(
    kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address], text: str
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return kind(text)
    except ValueError:
        raise MalformedIdentity("not a host") from None


def _bounded(text: str) -> str:
    if len(text) > LONGEST_IDENTITY:
        raise MalformedIdentity("too long")
    return text


def _matched(grammar: re.Pattern[str], text: str, otherwise: str) -> re.Match[str]:
    found = grammar.fullmatch(text)
    if found is None:
        raise MalformedIdentity(otherwise)
    return found
