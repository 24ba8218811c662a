"""The journal: every judgement in the log, in the metrics, and for a while in memory.

Memory is for the question that operators ask most: why was this one refused, just now. What is
older is in the log.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from epcscfd.telemetry import events


if TYPE_CHECKING:
    from collections.abc import Iterator

    from epcscfd.domain.judgement import Judgement
    from epcscfd.telemetry.metrics import Metrics

MEMORY = 10_000
"Judgements; about 20 MB, and some minutes of a busy node."

COUNTS_AT_HAND = 64
"Endings and reasons that come together; there are hardly more."


class DecisionJournal:
    """Writes down judgements and remembers the last of them."""

    def __init__(self, metrics: Metrics, memory: int = MEMORY) -> None:
        self._metrics = metrics
        # To find a count by its labels takes as long as three of these.
        self._counts = lru_cache(maxsize=COUNTS_AT_HAND)(metrics.decisions.labels)
        self._judgements: deque[Judgement] = deque(maxlen=memory)
        self._log = structlog.get_logger()

    def record(self, judgement: Judgement) -> None:
        """Write down *judgement*."""
        self._judgements.append(judgement)
        decision = judgement.ending
        reason = judgement.reason or ""
        self._counts(decision, reason).inc()
        self._metrics.seconds.observe(judgement.took.total_seconds())
        self._log.info(
            events.REGISTER_DECIDED,
            decision_id=judgement.decision_id,
            decision=decision,
            reason=reason,
            detail=judgement.detail,
            impi=str(judgement.impi or ""),
            impu=str(judgement.impu or judgement.to),
            wwsf=judgement.door.wwsf,
            entity=judgement.entity or "",
            revision=judgement.revision,
            duration_ms=round(judgement.took.total_seconds() * 1000, 3),
            call_id=judgement.call_id,
            jti=judgement.token_id,
        )

    def newest_first(self) -> Iterator[Judgement]:
        """Give what is remembered."""
        return reversed(self._judgements)
