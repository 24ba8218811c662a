r"""POSIX extended regular expressions (IEEE 1003.1 chapter 9.4), read into a tree.

* RE2 does the matching (`wildcard`); the tree is for what no matcher tells: with which text a
  match begins (`ranges`), and whether two expressions have a match in common (`overlap`).
* Only what has one meaning, in POSIX and in RE2 alike, is an expression here. Everything else
  is refused with its reason: back-references, `\d`, `(?…)`, collating symbols, stray braces.
* A whole text has to match, so `^` at the very beginning and `$` at the very end say nothing
  and are taken; anywhere else they could never match, and are refused.
"""

from __future__ import annotations

import re
import string

from dataclasses import dataclass
from functools import lru_cache

from epcscfd.domain.identity import MalformedIdentity


LONGEST_EXPRESSION = 256
MOST_REPETITIONS = 1000
"As in RE2."

EXPRESSIONS_AT_HAND = 8192
"What is read or compiled once; operators write a few for thousands of ranges."

ALPHABET = "".join(map(chr, range(0x20, 0x7F)))
"What identities are made of, and more."

_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " ",
    "cntrl": "",
    "digit": string.digits,
    "graph": ALPHABET[1:],
    "lower": string.ascii_lowercase,
    "print": ALPHABET,
    "punct": string.punctuation,
    "space": " ",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_CLASS = re.compile(r"\[:([a-z]+):\]")
_COUNT = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")
_BOUNDS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_QUANTIFIERS = (*_BOUNDS, "{")


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character out of several."""

    characters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after another. Empty: the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One or another."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Several times."""

    part: Node
    least: int
    most: int | None
    "None: as often as one likes."


Node = OneOf | Sequence | Choice | Repeat


@lru_cache(maxsize=EXPRESSIONS_AT_HAND)
def parse_expression(text: str) -> Node:
    """Read *text*, or raise MalformedIdentity with the reason."""
    if not 0 < len(text) <= LONGEST_EXPRESSION:
        raise MalformedIdentity(f"an expression has 1 to {LONGEST_EXPRESSION} characters")
    if not (text.isascii() and text.isprintable()):
        raise MalformedIdentity("character that no identity contains")
    reader = _Reader(text)
    tree = reader.choice()
    if not reader.at_end:
        raise MalformedIdentity("`)` without `(`")
    return tree


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    @property
    def at_end(self) -> bool:
        """Tell whether all has been read."""
        return self._place == len(self._text)

    def choice(self) -> Node:
        """Read options up to the end or to `)`."""
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while not self.at_end and self._next not in "|)":
            if self._anchor():
                continue
            parts.append(self._quantified(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _anchor(self) -> bool:
        """Skip an anchor that says nothing."""
        if self._next not in "^$":
            return False
        implied = self._place == (0 if self._next == "^" else len(self._text) - 1)
        if not implied:
            raise MalformedIdentity(f"`{self._next}` in the middle: the whole text has to match")
        self._place += 1
        return True

    def _atom(self) -> Node:
        character = self._pop()
        match character:
            case "(":
                return self._group()
            case "[":
                return OneOf(self._bracket())
            case ".":
                return OneOf(frozenset(ALPHABET))
            case "\\":
                return OneOf(frozenset(self._escaped()))
            case _ if character in _QUANTIFIERS:
                raise MalformedIdentity(f"`{character}` with nothing before it to repeat")
            case _:
                return OneOf(frozenset(character))

    def _group(self) -> Node:
        if self._take("?"):
            raise MalformedIdentity("`(?` is no POSIX")
        inner = self.choice()
        if not self._take(")"):
            raise MalformedIdentity("`(` without `)`")
        return inner

    def _escaped(self) -> str:
        if self.at_end:
            raise MalformedIdentity("`\\` at the end")
        character = self._pop()
        if character.isalnum() or character == "_":
            raise MalformedIdentity(f"`\\{character}` is no POSIX; a digit is `[[:digit:]]`")
        return character

    def _quantified(self, part: Node) -> Node:
        if self.at_end or self._next not in _QUANTIFIERS:
            return part
        least, most = self._quantifier()
        if (most is not None and most < least) or max(least, most or 0) > MOST_REPETITIONS:
            raise MalformedIdentity(f"repetition is from n to m, m at most {MOST_REPETITIONS}")
        if not self.at_end and self._next in _QUANTIFIERS:
            raise MalformedIdentity("two quantifiers in a row")
        return Repeat(part, least, most)

    def _quantifier(self) -> tuple[int, int | None]:
        if self._next == "{":
            return self._count()
        return _BOUNDS[self._pop()]

    def _count(self) -> tuple[int, int | None]:
        count = _COUNT.match(self._text, self._place)
        if count is None:
            raise MalformedIdentity("`{` is for repetition, `{2}` or `{2,5}`; else write `\\{`")
        self._place = count.end()
        least = int(count[1])
        if count[2] is None:
            return least, least
        return least, None if count[3] is None else int(count[3])

    def _bracket(self) -> frozenset[str]:
        """Read a bracket expression, from behind its `[`."""
        negated = self._take("^")
        start = self._place
        found: set[str] = set()
        # Right behind `[` or `[^`, a `]` stands for itself.
        while self._place == start or not self._take("]"):
            if self.at_end:
                raise MalformedIdentity("`[` without `]`")
            found |= self._member(start)
        return frozenset(ALPHABET) - found if negated else frozenset(found)

    def _member(self, start: int) -> set[str]:
        """Read a class, a range or a character out of brackets that began at *start*."""
        if self._text.startswith(("[:", "[.", "[="), self._place):
            return self._class()
        first = self._pop()
        if first == "\\":
            raise MalformedIdentity("`\\` within brackets, where it means different things")
        place = self._place
        if not self._text.startswith("-", place) or self._text.startswith("-]", place):
            if first == "-" and place - 1 != start and not self._text.startswith("]", place):
                raise MalformedIdentity("`-` within brackets stands first or last")
            return {first}
        self._place += 1
        if self.at_end or self._text.startswith(("[", "\\"), self._place):
            raise MalformedIdentity("a range within brackets is from character to character")
        last = self._pop()
        if first == "-" or last < first:
            raise MalformedIdentity(f"`{first}-{last}` is no range of characters")
        return set(map(chr, range(ord(first), ord(last) + 1)))

    def _class(self) -> set[str]:
        named = _CLASS.match(self._text, self._place)
        if named is None or named[1] not in _CLASSES:
            raise MalformedIdentity("within brackets, of `[:…:]` POSIX's own classes only")
        self._place = named.end()
        return set(_CLASSES[named[1]])

    @property
    def _next(self) -> str:
        return self._text[self._place]

    def _pop(self) -> str:
        character = self._text[self._place]
        self._place += 1
        return character

    def _take(self, expected: str) -> bool:
        if not self._text.startswith(expected, self._place):
            return False
        self._place += len(expected)
        return True
