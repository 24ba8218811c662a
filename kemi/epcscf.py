"""The KEMI script of the eP-CSCF: one entry point, run by one process.

Kamailio loads this file in every process, and calls `authorize` in the process of
the rtimer named ep_authorizer only. So nothing heavy is imported here: gRPC and
asyncio are loaded by the process that uses them (docs/adr/0001).

An entry point of KEMI returns a number other than 0 and never raises: 0 would end
the route without an answer, and anything else but a number would make the next
call in the process fail.
"""

from __future__ import annotations

import locale
import site
import sys
import time

import KSR  # type: ignore[import-not-found] # of the process around us


__path__: list[str] = []
"""The generated stubs are a package of the same name as this script, which Kamailio
imports first; with a path of its own it stands for that package too."""

RESTART_PAUSE = 1.0
"Seconds; without it, a lasting fault would write a thousand lines in each."


class Epcscf:
    """What Kamailio holds in each process."""

    def child_init(self, _rank: int) -> int:
        """Open nothing: rank 0 is the parent of processes that are yet to come."""
        return 0

    def authorize(self, _message: object) -> int:
        """Ask the sidecar about queued REGISTERs, for as long as Kamailio lives."""
        try:
            _add_site(_defined("EPCSCF_SITE"))
            from authorizer.process import run  # noqa: PLC0415 - see the module's docstring

            run(KSR, _defined("EPCSCF_SIDECAR"), _defined("EPCSCF_NODE"))
        except BaseException as error:  # noqa: BLE001 - whatever it is, rtimer starts us again
            KSR.err(f"epcscf authorizer.died why={_why(error)}\n")
            time.sleep(RESTART_PAUSE)
            return -1
        return 1


def _defined(name: str) -> str:
    return str(KSR.pv.get(f"$def({name})")).strip('"')


def _add_site(folders: str) -> None:
    for folder in folders.split(":"):
        if folder not in sys.path:
            site.addsitedir(folder)
    __path__[:] = [f"{folder}/epcscf" for folder in sys.path]


def _why(error: BaseException) -> str:
    """Name what broke and its lines, not its values: a value might be a token."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    words = [type(error).__name__]
    if isinstance(error, ImportError):
        words += [f"module={error.name}", f"path={':'.join(sys.path)}"]
    trace = error.__traceback__
    while trace is not None:
        words.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(words)


def mod_init() -> Epcscf:
    """Give Kamailio the object whose methods it calls.

    Python has set the locale of the environment for all processes. In a UTF-8 one regular
    expressions take several times as long, and SIP is matched byte by byte anyway.
    """
    locale.setlocale(locale.LC_CTYPE, "C")
    return Epcscf()
