"""The KEMI script of the core's side: one entry point for each kind of CSCF, run by one process.

Kamailio loads this file in every process, and calls an entry in the process of the rtimer
named cx_relay only. An entry point returns a number other than 0 and never raises (see
epcscf.py); it does not return at all while the relay works.
"""

from __future__ import annotations

import time
import traceback

from typing import TYPE_CHECKING, Any

import KSR  # type: ignore[import-not-found] # of the process around us


if TYPE_CHECKING:
    from collections.abc import Callable

RESTART_PAUSE = 1.0
"Seconds; the stack tries its connection again no sooner."


class Cx:
    """What Kamailio holds in each process."""

    def child_init(self, _rank: int) -> int:
        """Open nothing: rank 0 is the parent of processes that are yet to come."""
        return 0

    def relay_scscf(self, _message: object) -> int:
        """Relay Cx and ask whom subscriptions admit, for as long as Kamailio lives."""
        from cxrelay.relay import run_scscf  # noqa: PLC0415 - in the one process that needs it

        return _go(run_scscf)

    def relay_icscf(self, _message: object) -> int:
        """Relay Cx and hear whose ranges are called, for as long as Kamailio lives."""
        from cxrelay.relay import run_icscf  # noqa: PLC0415 - in the one process that needs it

        return _go(run_icscf)


def _go(work: Callable[[Any], None]) -> int:
    try:
        work(KSR)
    except BaseException as error:  # noqa: BLE001 - whatever it is, rtimer starts us again
        lines = " ".join(f"{f.name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__))
        KSR.err(f"epcscf cx.died why={type(error).__name__}: {error} at {lines}\n")
        time.sleep(RESTART_PAUSE)
        return -1
    return 1


def mod_init() -> Cx:
    """Give Kamailio the object whose methods it calls."""
    return Cx()
