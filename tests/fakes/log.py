"""The real log, written to memory and taken down again."""

from __future__ import annotations

import io
import logging

from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from epcscfd.telemetry.log import configure_log


if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logging_as(form: str) -> Iterator[io.StringIO]:
    """Log as *form* within the block; give what is written."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_log(form, "info", stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
