"""Breakdowns: what goes wrong that is not a refusal.

* A refused REGISTER is a value (`domain.reasons`), never one of these.
* Each class says in its attributes all that its edge tells; `rpc/statuses.py` has the one table
  from class to gRPC status, `main.py` turns ConfigError into exit status 78.
* Messages are lower case, without final period; offending values are `repr`-ed and shortened,
  and no message ever holds a token.
"""

# ruff: noqa: N818 - a breakdown is named for what is wrong, and every caller says `raise` before it

from __future__ import annotations


LONGEST_QUOTE = 80
"Of an offending value in a message: enough to recognise it, too little to flood a log."


class EpcscfError(Exception):
    """Any breakdown that we know by name."""


class InvalidArgument(EpcscfError):
    """A field of a request is missing or malformed."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class NotFound(EpcscfError):
    """There is no resource of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no such resource: {quote(name)}")
        self.name = name


class AlreadyExists(EpcscfError):
    """There is a resource of this name, or one that has this value of a unique field."""

    def __init__(self, name: str, what: str = "") -> None:
        super().__init__(
            f"{quote(name)} has it already: {what}" if what else f"{quote(name)} exists"
        )
        self.name = name


class StaleEtag(EpcscfError):
    """The resource has changed since the caller read it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{quote(name)} has changed since it was read")
        self.name = name


class InUse(EpcscfError):
    """Another resource still names the one that is to go."""

    def __init__(self, name: str, by: str) -> None:
        super().__init__(f"{quote(name)} is still named by {quote(by)}")
        self.name = name
        self.by = by


class RangeOverlap(EpcscfError):
    """Another WWSF has a range with identities in common with one that is to be added."""

    def __init__(self, range_: str, other: str, wwsf: str, example: str) -> None:
        super().__init__(
            f"range {quote(range_)} overlaps {quote(other)} of {quote(wwsf)}: "
            f"{quote(example)} lies in both"
        )
        self.range = range_
        self.other = other
        self.wwsf = wwsf
        self.example = example


class Unavailable(EpcscfError):
    """Something that we depend on does not answer."""

    def __init__(self, dependency: str) -> None:
        super().__init__(f"not available: {dependency}")
        self.dependency = dependency


class CursorGone(EpcscfError):
    """What a cursor points to is no longer kept, or never was."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"cursor {quote(cursor)} points to nothing that is kept")
        self.cursor = cursor


class ConfigError(EpcscfError):
    """The settings cannot be used; says where, and which form is expected."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


def quote(value: str) -> str:
    """Show an untrusted *value* in a message: escaped, and not longer than LONGEST_QUOTE."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}…"
