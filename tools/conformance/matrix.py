"""The requirements and our decisions about them, read from docs/.

* Identifiers are a part and a number: `S003-20`, `SX-1`; each stands once.
* A decision is about a row that exists and gives its reason.
"""

from __future__ import annotations

import tomllib

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


DOCS = Path(__file__).resolve().parents[2] / "docs"


class MatrixError(Exception):
    """The requirements or the decisions are not what they have to be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement."""

    id: str
    role: str
    "Whose behaviour is asked for."
    title: str


@dataclass(frozen=True, slots=True)
class Part:
    """Requirements of one system, in their order."""

    id: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What we do instead of what a row asks."""

    instead: str
    reason: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All that is asked and all that is decided otherwise."""

    parts: tuple[Part, ...]
    decisions: Mapping[str, Decision]

    def positions(self) -> dict[str, int]:
        """Where each row stands, by identifier, for sorting and for telling what exists."""
        ids = [row.id for part in self.parts for row in part.rows]
        return {id_: position for position, id_ in enumerate(ids)}


def read_matrix(docs: Path = DOCS) -> Matrix:
    """Read both files under *docs*. Raise MatrixError if they contradict themselves."""
    parts = tuple(_part(id_, table) for id_, table in _tables(docs / "requirements.toml"))
    decisions = {id_: _decision(table) for id_, table in _tables(docs / "decisions.toml")}
    matrix = Matrix(parts, decisions)
    known = matrix.positions()
    if len(known) != sum(len(part.rows) for part in parts):
        raise MatrixError("an identifier stands twice in requirements.toml")
    if stray := sorted(decisions.keys() - known.keys()):
        raise MatrixError(f"decisions.toml decides about unknown rows: {', '.join(stray)}")
    return matrix


def _tables(path: Path) -> list[tuple[str, dict[str, object]]]:
    return list(tomllib.loads(path.read_text(encoding="utf-8")).items())


def _part(id_: str, table: Mapping[str, object]) -> Part:
    rows = table["rows"]
    if not isinstance(rows, list):
        raise MatrixError(f"part {id_} has no list of rows")
    return Part(id_, str(table["title"]), tuple(Row(**row) for row in rows))


def _decision(table: Mapping[str, object]) -> Decision:
    return Decision(str(table["instead"]), str(table["reason"]))
