"""A verifier that says what it was told to say."""

from __future__ import annotations

import asyncio

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.policy import Policy, WwsfId
from epcscfd.domain.token import Assertion
from epcscfd.ports import Opened


class FakeVerifier:
    """Vouches with one assertion, at once or after having been released."""

    def __init__(self, assertion: Assertion, *, at_once: bool = True) -> None:
        self.assertion = assertion
        self.asked: list[int] = []
        "Revisions of the policies that it was asked under."
        self.waiting = asyncio.Event()
        self.released = asyncio.Event()
        if at_once:
            self.released.set()

    def open_at_once(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Opened | None:
        """Be ready to say it, if that needs no waiting."""
        self.asked.append(policy.revision)
        return (lambda: self.assertion) if self.released.is_set() else None

    async def verify(self, token: BearerToken, wwsf: WwsfId, policy: Policy) -> Assertion:
        """Say it, when released."""
        self.asked.append(policy.revision)
        self.waiting.set()
        await self.released.wait()
        return self.assertion
