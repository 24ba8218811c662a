"""Credentials: what the Authorization header of a REGISTER offers."""

from __future__ import annotations

import hashlib

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class BearerToken:
    """A bearer token. Shows a digest of itself, never itself."""

    value: str

    def __repr__(self) -> str:
        digest = hashlib.sha256(self.value.encode()).hexdigest()
        return f"BearerToken({digest[:12]}…)"
