"""Header values: text that goes into a SIP header that we have the edge write.

Nothing that somebody else chose reaches a header but through `quoted` or `addressed`.
"""

from __future__ import annotations

from functools import lru_cache


TEXTS_AT_HAND = 1024
"Realms, domains, scopes and issuers of a large policy: nine of ten texts that are quoted."


_MARKS = frozenset('<>" ')
"What ends a URI in angle brackets, or the brackets."


class UnsafeText(ValueError):  # noqa: N818 - named for what is wrong
    """The text cannot be written into a header."""


def quotable(text: str) -> bool:
    """Tell whether `quoted` would take *text*: no control, no line or paragraph separator."""
    return text.isprintable()


@lru_cache(maxsize=TEXTS_AT_HAND)
def quoted(text: str) -> str:
    """Give *text* as a quoted-string (RFC 3261 25.1). Raise UnsafeText for control characters."""
    if not quotable(text):
        raise UnsafeText("control character")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def addressed(uri: str) -> str:
    """Give *uri* in angle brackets (name-addr of RFC 3261 25.1). Raise UnsafeText."""
    if not quotable(uri) or not _MARKS.isdisjoint(uri):
        raise UnsafeText("not the text of a URI")
    return f"<{uri}>"
