"""What the real parts wrote while a test failed, as sections of its report.

A failure that comes once in a hundred runs is understood from what was logged then or not
at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.deployment import Deployment


if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.logfile import LogFile


LINES = 60
NOISE = ("WIRE ", "cxdx_", "cdp_avp")
"What the lab's S-CSCF writes about every request."


OWN = pytest.StashKey[list[Deployment]]()
"Deployments that a test has made for itself."


def sections_of(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """Give a title and the end of a log, for each part of the deployments of *item*."""
    fixtures = getattr(item, "funcargs", {}).values()
    shared = [value for value in fixtures if isinstance(value, Deployment)]
    for lab in (*shared, *item.stash.get(OWN, [])):
        for part, log in _logs(lab):
            yield f"log of {part}", _end_of(log)


def _logs(lab: Deployment) -> Iterator[tuple[str, LogFile]]:
    yield "eP-CSCF", lab.edge.log
    yield "sidecar", lab.sidecar.log
    yield "S-CSCF", lab.core.scscf.process.log
    for icscf in lab.core.icscfs:
        yield icscf.name, icscf.log


def _end_of(log: LogFile) -> str:
    lines = [line for line in log.lines() if not any(word in line for word in NOISE)]
    return "\n".join(lines[-LINES:])
