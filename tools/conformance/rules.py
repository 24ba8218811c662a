"""docs/judging.md: what a REGISTER is checked for, and how each refusal is told.

* Taken from the tuple and the mapping that the sidecar itself decides by.
* Written by `python -m tools.conformance.rules`, which needs no run of the tests.
"""

from __future__ import annotations

from epcscfd.domain.checks import CHECKS
from epcscfd.domain.replies import REPLIES, Challenge
from tools.conformance.matrix import DOCS


PAGE = DOCS / "judging.md"

CHALLENGES = {
    Challenge.NONE: "",
    Challenge.PLAIN: "Bearer",
    Challenge.INVALID_TOKEN: "Bearer, `invalid_token`",
    Challenge.INVALID_SCOPE: "Bearer, `invalid_scope`",
}

HEAD = """\
# How a REGISTER with a token is judged

Written by `python -m tools.conformance.rules` from what the sidecar decides by; not by hand.

## What it is checked for

In this order. The first check that fails is the reason that is reported.

| # | Check | Clause |
|---|---|---|
"""

REFUSALS = """
## What a refusal says

To the WIC no more than its status does; to the operator, in `epcscfctl explain`, the advice.
A refusal that is *kept* is given again to an equal request for a short while, without asking.
What becomes of the WebSocket is that of `close_on_reject = smart`.

| Reason | Status | Challenge | WebSocket | Refusal is | Advice |
|---|---|---|---|---|---|
"""


def render() -> str:
    """Write the page."""
    return HEAD + _checks() + REFUSALS + _refusals()


def _checks() -> str:
    return "".join(
        _line(str(place), check.name, check.clause) for place, check in enumerate(CHECKS, 1)
    )


def _refusals() -> str:
    return "".join(
        _line(
            f"`{reason}`",
            f"{reply.answer.status} {reply.answer.phrase}",
            CHALLENGES[reply.answer.challenge],
            reply.answer.connection.replace("_", " "),
            reply.lasting,
            reply.advice,
        )
        for reason, reply in REPLIES.items()
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
