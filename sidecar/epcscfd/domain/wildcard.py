"""Wildcarded public identities (TS 23.003 13.4A, 13.5): `sip:lobby!.*!@hotel.example`.

* Literal, `!`, POSIX extended regular expression, `!`, literal: in the user part of a SIP
  URI or in the number of a tel URI. More than two `!`: the outermost two are the marks.
* A match is one of the whole user part, in canonical form; the domain is compared as it is.
* What a SIP message carries is never read as a pattern.

The expressions come from operators and the subjects from anybody, so matching has to be
linear in time; hence RE2 and not `re`.
"""

from __future__ import annotations

import re

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, Self

import re2  # type: ignore[import-untyped] # its wheel has no stubs

from epcscfd.domain.expression import (
    EXPRESSIONS_AT_HAND,
    LONGEST_EXPRESSION,
    parse_expression,
)
from epcscfd.domain.identity import (
    LONGEST_IDENTITY,
    VISUAL_SEPARATORS,
    Impu,
    MalformedIdentity,
    canonical_user,
    parse_hostname,
)


_MARK = "!"
_LONGEST = LONGEST_IDENTITY + LONGEST_EXPRESSION
_NUMBER_PART = re.compile(r"\+?[0-9\-.()]*")


class Expression(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: bytes) -> object | None:
        """Match the whole of *text*, in UTF-8."""
        ...


@dataclass(frozen=True, slots=True)
class WildcardedIdentity:
    """A set of public identities that one pattern describes."""

    scheme: str
    prefix: str
    pattern: str
    suffix: str
    domain: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise MalformedIdentity unless *text* is a wildcarded SIP or tel URI."""
        if len(text) > _LONGEST:
            raise MalformedIdentity("too long")
        scheme, _, rest = text.partition(":")
        match scheme.lower():
            case "sip":
                user, _, host = rest.rpartition("@")
                domain = parse_hostname(host)
                return cls("sip", *_split(user, _literal_user), domain)
            case "tel":
                return cls("tel", *_split(rest, _literal_number), None)
            case _:
                raise MalformedIdentity("neither sip: nor tel:")

    def matches(self, impu: Impu) -> bool:
        """Tell whether *impu* is one of these."""
        if (impu.scheme, impu.domain) != (self.scheme, self.domain):
            return False
        inner = len(impu.user) - len(self.suffix)
        if inner < len(self.prefix):
            return False
        if not (impu.user.startswith(self.prefix) and impu.user.endswith(self.suffix)):
            return False
        # The literals are cut off rather than escaped and joined to the expression: nothing
        # in the expression can then reach beyond its marks.
        middle = impu.user[len(self.prefix) : inner]
        # As bytes: of a text the wrapper counts the characters up to every end of a match, in
        # Python, for twice the cost of the match.
        return compile_expression(self.pattern).fullmatch(middle.encode()) is not None

    def __str__(self) -> str:
        host = "" if self.domain is None else f"@{self.domain}"
        return f"{self.scheme}:{self.prefix}!{self.pattern}!{self.suffix}{host}"


@lru_cache(maxsize=EXPRESSIONS_AT_HAND)
def compile_expression(pattern: str) -> Expression:
    """Compile a POSIX extended regular expression, or raise MalformedIdentity."""
    # RE2 takes more than POSIX has, and some of it otherwise.
    parse_expression(pattern)
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.never_capture = True
    options.max_mem = 1 << 20
    options.log_errors = False
    try:
        compiled: Expression = re2.compile(pattern, options)
    except re2.error as error:
        # RE2 names the mistake in bytes.
        raise MalformedIdentity(error.args[0].decode()) from None
    return compiled


def _split(user: str, literal: Callable[[str], str]) -> tuple[str, str, str]:
    prefix, mark, rest = user.partition(_MARK)
    pattern, second_mark, suffix = rest.rpartition(_MARK)
    if not (mark and second_mark):
        raise MalformedIdentity("no expression between two `!`")
    compile_expression(pattern)
    return literal(prefix), pattern, literal(suffix)


def _literal_user(text: str) -> str:
    return canonical_user(text) if text else ""


def _literal_number(text: str) -> str:
    if not _NUMBER_PART.fullmatch(text):
        raise MalformedIdentity("not a part of a number")
    return text.translate(VISUAL_SEPARATORS)
