"""Vectors as parameters of tests, each under its own name and with the rows it carries."""

from __future__ import annotations

import tomllib

from pathlib import Path
from typing import Any

import pytest


def vectors(file: str, table: str = "case") -> list[Any]:
    """The vectors of *table* in *file*."""
    document = tomllib.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [_parameter(vector) for vector in document[table]]


def _parameter(vector: dict[str, Any]) -> Any:
    name = vector.get("name") or vector["pattern"]
    rows = vector.get("rows")
    return pytest.param(vector, id=name, marks=[pytest.mark.req(*rows)] if rows else [])
