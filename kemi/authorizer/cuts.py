"""Whom an order cuts off, and how that is found in rows (epcscf.control.v1.Cut)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from authorizer.rows import bare, coded
from authorizer.standing import IMPI, IMPU, SCOPE, SUBJECT, TOKEN_ID


if TYPE_CHECKING:
    from collections.abc import Sequence

    from epcscf.control.v1 import registrations_pb2 as pb

FIELDS = {
    "scope": SCOPE,
    "impi": IMPI,
    "impu": IMPU,
    "subject": SUBJECT,
    "token_id": TOKEN_ID,
}
"Where a verdict says what the order names."
CODED = ("impi", "impu")
"What rows hold as base64."


@dataclass(frozen=True, slots=True)
class Target:
    """What is cut off, as rows have it."""

    kind: str
    value: str

    @classmethod
    def of(cls, cut: pb.Cut) -> Target:
        """Read an order. Raise UnsafeVerdictError or ValueError if it names nobody."""
        kind = cut.WhichOneof("whom")
        value = getattr(cut, kind) if kind else ""
        if not kind or not value:
            raise ValueError("nobody is named")
        if kind == "registration":
            return cls(kind, value)
        return cls(kind, coded(value) if kind in CODED else bare(value))

    @property
    def key(self) -> str:
        """Name it in the table ep_cut."""
        return f"{self.kind}/{self.value}"

    def hits(self, wwsf: str, verdict: Sequence[str]) -> bool:
        """Tell whether what a *verdict* lets through at a page of *wwsf* is cut off."""
        if self.kind == "wwsf":
            return wwsf == self.value
        place = FIELDS.get(self.kind)
        return place is not None and len(verdict) > place and verdict[place] == self.value

    def hits_registration(self, key: str, wwsf: str, row: Sequence[str]) -> bool:
        """Tell whether a registration is cut off."""
        return key == self.value if self.kind == "registration" else self.hits(wwsf, row)
