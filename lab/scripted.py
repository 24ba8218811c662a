"""Answers that a test puts into the mouth of a CSCF, by user and method.

The process is the real one; only its judgement is overruled (`scripted.cfg`).
"""

from __future__ import annotations

import enum

from lab.kamailio import Kamailio


class Behaviour(enum.StrEnum):
    """What a CSCF answers instead of its own judgement."""

    CHALLENGE = "challenge"
    "401 with a SIP Digest challenge, also to auth-done."
    FORBID = "forbid"
    "403."
    TOO_BRIEF = "too_brief"
    "423, the number in Min-Expires."
    NO_OUTBOUND = "no_outbound"
    "439."
    OVERLOADED = "overloaded"
    "503, the number in Retry-After. From behind an I-CSCF it arrives as 500 (RFC 3261 16.7)."
    SILENT = "silent"
    "Nothing at all."
    SHORTEN = "shorten"
    "Its own answer, but a REGISTER is granted the number of seconds only."


def script(
    cscf: Kamailio, impu: str, behaviour: Behaviour, number: int = 0, method: str = "REGISTER"
) -> None:
    """Let *cscf* answer requests *method* with *impu* in To so, until `unscript`."""
    cscf.rpc("htable.sets", "script", f"{method}::{impu}", f"{behaviour}:{number}")


def unscript(cscf: Kamailio, impu: str, method: str = "REGISTER") -> None:
    """Let *cscf* judge by itself again."""
    cscf.rpc("htable.delete", "script", f"{method}::{impu}")
