"""Identity ranges: public identities that are one WWSF's alone (TS 23.003 13.4A, 13.5).

* A range is one identity, or all that a pattern describes.
* Whose an identity is gets asked for every REGISTER and every range might hold it, so ranges are
  found by domain and by the literal text that their identities begin with; only those that are
  left are matched, a handful among thousands.
"""

from __future__ import annotations

import enum

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from epcscfd.domain.expression import Choice, Node, OneOf, Repeat, Sequence, parse_expression
from epcscfd.domain.identity import Impu
from epcscfd.domain.wildcard import WildcardedIdentity


if TYPE_CHECKING:
    from epcscfd.domain.policy import WwsfId


MOST_BEGINNINGS = 16
"Per range: an expression that begins in more ways is matched against whatever fits before it."


class RangeMode(enum.StrEnum):
    """How the identities of a range are registered in IMS."""

    STATIC = "static"
    "By configuration of the core: a REGISTER is answered at the edge."
    BLOCK = "block"
    "With the block of its WWSF, by the web server: answered at the edge while that stands."


@dataclass(frozen=True, slots=True)
class IdentityRange:
    """Public identities that are one WWSF's alone."""

    identities: WildcardedIdentity | Impu
    mode: RangeMode = RangeMode.STATIC
    enabled: bool = False
    """Nobody registers out of a static range that is not enabled; whose it is does not depend on
    it. A range of a block is enabled by the registration of that, and never by this."""

    def holds(self, impu: Impu) -> bool:
        """Tell whether *impu* lies in it."""
        if isinstance(self.identities, Impu):
            return impu == self.identities
        return self.identities.matches(impu)

    def __str__(self) -> str:
        return str(self.identities)


def parse_identities(text: str) -> WildcardedIdentity | Impu:
    """Read the identities of a range. Raise MalformedIdentity."""
    # TS 23.003 13.5: marks come in pairs; a single one is a mistake, not a name.
    return WildcardedIdentity.parse(text) if "!" in text else Impu.parse(text)


@dataclass(frozen=True, slots=True)
class Claim:
    """A range and the WWSF whose it is."""

    wwsf: WwsfId
    range: IdentityRange


_Place = tuple[str, str | None]
"Scheme and domain."


class RangeTable:
    """All ranges, to be asked for those that hold an identity."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._literals: dict[Impu, list[Claim]] = {}
        self._wildcards: dict[_Place, dict[int, dict[str, list[Claim]]]] = {}
        for claim in claims:
            self._add(claim)

    def _add(self, claim: Claim) -> None:
        identities = claim.range.identities
        if isinstance(identities, Impu):
            self._literals.setdefault(identities, []).append(claim)
            return
        by_length = self._wildcards.setdefault((identities.scheme, identities.domain), {})
        for beginning in beginnings(identities):
            by_text = by_length.setdefault(len(beginning), {})
            by_text.setdefault(beginning, []).append(claim)

    def claims_on(self, impu: Impu) -> tuple[Claim, ...]:
        """Find the ranges that hold *impu*, each once."""
        found = [*self._literals.get(impu, ())]
        for each in self._candidates(impu):
            # A range that begins in several ways may be met more than once.
            if each not in found and each.range.holds(impu):
                found.append(each)
        return tuple(found)

    def _candidates(self, impu: Impu) -> Iterator[Claim]:
        by_length = self._wildcards.get((impu.scheme, impu.domain), {})
        for length, by_text in by_length.items():
            yield from by_text.get(impu.user[:length], ())


def beginnings(wildcard: WildcardedIdentity) -> frozenset[str]:
    """Give texts of which every user part that *wildcard* matches begins with one."""
    heads, _ = _heads(parse_expression(wildcard.pattern))
    return frozenset(wildcard.prefix + head for head in heads)


_ANY = (frozenset({""}), False)


def _heads(node: Node) -> tuple[frozenset[str], bool]:
    """Give beginnings of what *node* matches, and whether they are all of it."""
    match node:
        case OneOf(characters):
            return (characters, True) if len(characters) <= MOST_BEGINNINGS else _ANY
        case Sequence(parts):
            return _heads_of_sequence(parts)
        case Choice(options):
            found = [_heads(option) for option in options]
            heads = frozenset[str]().union(*(each for each, _ in found))
            exact = all(whole for _, whole in found)
            return (heads, exact) if len(heads) <= MOST_BEGINNINGS else _ANY
        case Repeat(part, least, most):
            if least == 0:
                return _ANY
            heads, exact = _heads(part)
            return heads, exact and least == most == 1


def _heads_of_sequence(parts: tuple[Node, ...]) -> tuple[frozenset[str], bool]:
    heads = frozenset({""})
    for part in parts:
        more, exact = _heads(part)
        if len(heads) * len(more) > MOST_BEGINNINGS:
            return heads, False
        heads = frozenset(head + each for head in heads for each in more)
        if not exact:
            return heads, False
    return heads, True
