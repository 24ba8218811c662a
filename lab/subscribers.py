"""The subscribers of the lab's HSS, and the file they may be read from.

    [[subscription]]
    impi = "alice@ims.example"
    impus = ["sip:alice@ims.example", "tel:+15550100"]

The other keys are the fields of `Subscription`; see README.md.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An IMPI and the public identities that are registered with it, as one implicit set."""

    impi: str
    impus: tuple[str, ...]
    "SIP and tel URIs; the first that is not barred is the default one."
    barred: frozenset[str] = frozenset()
    "Those of `impus` that nobody may use (TS 23.228 5.2.1a)."
    password: str | None = None
    "For SIP Digest (scenario 1); without one a challenge is refused."
    wafs: tuple[str, ...] = ()
    "Names of the WAFs whose word is taken (TS 29.229 6.3.65)."
    wwsfs: tuple[str, ...] = ()
    "Names of the WWSFs whose word is taken (TS 29.229 6.3.66)."
    ranges: tuple[str, ...] = ()
    "Wildcarded identities that are registered with it (TS 23.003 13.4A); see `lab.ranges`."
    visited_networks: frozenset[str] = frozenset()
    "Where the user may register from, P-Visited-Network-ID; empty: anywhere."

    def __post_init__(self) -> None:
        if not self.impus:
            raise ValueError(f"subscription {self.impi!r} has no public identity")
        if stray := self.barred.difference(self.impus):
            raise ValueError(f"subscription {self.impi!r} bars foreign {sorted(stray)}")

    @property
    def registered_impus(self) -> tuple[str, ...]:
        """What an S-CSCF has rows of, once it is registered: the whole implicit set."""
        return (*self.impus, *self.ranges)

    @property
    def usable(self) -> tuple[str, ...]:
        """The identities that are not barred."""
        return tuple(impu for impu in self.impus if impu not in self.barred)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    subscription: list[Subscription]


def read_subscriptions(path: Path) -> list[Subscription]:
    """Read the TOML file *path*. Raise ValueError, naming it, if it is not as described."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).subscription
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error
