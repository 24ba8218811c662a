"""Header values: text that goes into a SIP header that we have the edge write.

Nothing that somebody else chose reaches a header but through `quoted`.
"""

from __future__ import annotations

import re


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TO_ESCAPE = re.compile(r'(["\\])')


class UnsafeText(ValueError):  # noqa: N818 - named for what is wrong
    """The text cannot be written into a header."""


def quotable(text: str) -> bool:
    """Tell whether `quoted` would take *text*."""
    return _CONTROL.search(text) is None


def quoted(text: str) -> str:
    """Give *text* as a quoted-string (RFC 3261 25.1). Raise UnsafeText for control characters."""
    if not quotable(text):
        raise UnsafeText("control character")
    return '"' + _TO_ESCAPE.sub(r"\\\1", text) + '"'
