"""What a search for keys can end with."""

from __future__ import annotations

from dataclasses import dataclass

from epcscfd.tokens.keys import VerificationKey


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There are no keys to search. A value: somebody else's trouble, not a bug."""

    why: str


Found = tuple[VerificationKey, ...] | Unreachable
"The keys that may have signed; empty: none of the entity's."
