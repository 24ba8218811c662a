"""Rules: what an operator sets once for every judgement, whoever asks.

Read from the settings when the process starts; the policy says the rest and may change
at any time.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass
from datetime import timedelta


class CloseOnReject(enum.StrEnum):
    """Which refusals of a token also close the WebSocket."""

    STRICT = "strict"
    "Every one (TS 33.203 X.3.2.3 step 4)."
    SMART = "smart"
    "All but those that a new token cures (RFC 8898 2.1.1)."


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """What every judgement goes by, besides the policy."""

    audience: str
    "`aud` of tokens that are meant for this eP-CSCF, unless their entity names another."
    node_host: str
    "Host of `icid-generated-at`."
    skew: timedelta = timedelta(seconds=30)
    "How far the clocks of issuers may be from ours."
    verdict_life: timedelta = timedelta(minutes=15)
    "The longest time that an edge which we cannot reach may miss a barring."
    refusal_life: timedelta = timedelta(seconds=30)
    "Long enough to make a looping client cheap, short enough for an operator's patience."
    margin: timedelta = timedelta(seconds=10)
    "A registration ends so long before its token."
    minimum_expires: timedelta = timedelta(seconds=60)
    "The shortest registration worth having."
    overload_pause: timedelta = timedelta(seconds=5)
    "What a WIC is told to wait for when we cannot judge."
    close_on_reject: CloseOnReject = CloseOnReject.SMART
