"""The process: what an operator starts."""

from __future__ import annotations

from epcscfd.main.cli import run


__all__ = ["run"]
