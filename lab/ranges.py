"""Static ranges as the lab's core has them: by configuration, and without any of their members.

A range is a wildcarded IMPU, `sip:room-!1[0-9]{2}!@ims.example` (TS 23.003 13.5). Kamailio and
Python read its expression alike as long as it is as plain as this one.
"""

from __future__ import annotations

from collections.abc import Iterable


def expression_of(ranges: Iterable[str]) -> str:
    """Return one expression that all members of *ranges* match, whole, and nothing else does."""
    return f"^({'|'.join(map(_expression, ranges))})$"


def _expression(wildcarded: str) -> str:
    before, expression, after = wildcarded.split("!")
    return f"{_literally(before)}({expression}){_literally(after)}"


def _literally(text: str) -> str:
    # in brackets: a backslash would be the configuration file's
    return "".join(each if each.isalnum() or each in ":@-_" else f"[{each}]" for each in text)
