"""Registrations for tests, and who notes what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Boot, Registration
from tests.builders import from_now


if TYPE_CHECKING:
    from epcscfd.domain.registration import Entry
    from epcscfd.domain.release import Release

EDGE1 = Boot("edge1", "b1")


def a_registration(**changes: Any) -> Registration:
    """Alice's, over the first connection of edge1, by a token that lives for ten minutes."""
    registration = Registration(
        boot=EDGE1,
        id="c1|sip:alice@home1.net",
        connection="c1",
        wwsf=WwsfId("shop"),
        scope="shop/waf",
        impi="alice@home1.net",
        impu="sip:alice@home1.net",
        identities=("sip:alice@home1.net", "tel:+4989123"),
        subject="5" * 64,
        token_id="7" * 64,
        token_expires_at=from_now(600),
        expires_at=from_now(300),
        contact="sip:a1@x7.invalid;transport=ws",
        decision_id="d0b93959ff17",
        local=False,
    )
    return replace(registration, **changes)


@dataclass
class SeenRegistrations:
    """Notes what becomes of them."""

    lines: list[str] = field(default_factory=list)
    released: list[Release] = field(default_factory=list)
    dropped: list[Boot] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def registration_began(self, entry: Entry) -> None:
        """Note it."""
        self.lines.append(f"{entry.registration.id} began")

    def registration_ended(self, entry: Entry) -> None:
        """Note it."""
        self.lines.append(f"{entry.registration.id} {entry.cause}")

    def identity_released(self, release: Release) -> None:
        """Note it."""
        self.released.append(release)

    def reports_dropped(self, boot: Boot) -> None:
        """Note it."""
        self.dropped.append(boot)

    def writing_failed(self, error: Exception) -> None:
        """Note it."""
        self.failures.append(error)

    def written(self) -> None:
        """Find nothing to note."""
