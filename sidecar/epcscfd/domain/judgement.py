"""Judgement: a decision, how it is said to the WIC, how long it holds, and its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from epcscfd.domain.edge import Stamp
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import EntityId
from epcscfd.domain.reasons import Connection, Reason
from epcscfd.domain.register import CheckOutcome, Decision, Door


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the WIC is answered."""

    status: int
    phrase: str
    challenges: tuple[str, ...]
    "Values of WWW-Authenticate, in order."
    retry_after: timedelta
    "Zero: no such header."
    connection: Connection


@dataclass(frozen=True, slots=True)
class Judgement:
    """One REGISTER, judged. Holds no part of the token but `jti`."""

    decision_id: str
    time: datetime
    took: timedelta
    decision: Decision
    reply: Refusal | None
    "None: the REGISTER goes forward."
    keep: timedelta
    "For how long the edge may apply it to equal requests. Zero: to this one only."
    stamp: Stamp | None
    "Under which it was given. None: a refusal, which dies with the revision."
    revision: int
    door: Door
    to: str
    "As received, shortened."
    call_id: str
    "As received, shortened."
    entity: EntityId | None
    "Who vouched, once that is verified."
    impi: Impi | None
    impu: Impu | None
    "To in canonical form, if it has one."
    token_id: str
    "`jti` of a verified token, or empty."
    checks: tuple[CheckOutcome, ...]
    "In order, up to and with the one that failed."
    detail: str
    "What exactly was found, for the operator. Empty: the reason says all."

    @property
    def reason(self) -> Reason | None:
        """Why it was refused. None: it was not."""
        return self.checks[-1].reason
