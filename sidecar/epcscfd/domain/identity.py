"""Identities (TS 23.003 clause 13). Parsed once, compared in canonical form ever after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


class MalformedIdentity(ValueError):
    """The text is no identity of its kind."""


@dataclass(frozen=True, slots=True, order=True)
class Impi:
    """IP Multimedia Private Identity: a network access identifier, `user@realm`."""

    user: str
    realm: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise MalformedIdentity unless *text* is `user@realm`."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.user}@{self.realm}"


@dataclass(frozen=True, slots=True, order=True)
class Impu:
    """IP Multimedia Public Identity: a SIP URI or a tel URI, canonical."""

    scheme: str
    user: str
    domain: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise MalformedIdentity unless *text* is a bare SIP or tel URI."""
        raise NotImplementedError

    def __str__(self) -> str:
        if self.domain is None:
            return f"{self.scheme}:{self.user}"
        return f"{self.scheme}:{self.user}@{self.domain}"
