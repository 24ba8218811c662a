"""The parts of a WAF, as every use case has them at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from epcscfd.app.oauth.ports import (
    AssertionReader,
    ClientRegister,
    ConsentStore,
    FamilyStore,
    FreshPolicy,
    ReplayLedger,
    RevocationDesk,
    UserDirectory,
    WafWatch,
)
from epcscfd.app.oauth.signing import Signer
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All of them."""

    rules: WafRules
    clock: Clock
    watch: WafWatch
    policies: FreshPolicy
    register: ClientRegister
    users: UserDirectory
    families: FamilyStore
    consents: ConsentStore
    ledger: ReplayLedger
    revocations: RevocationDesk
    assertions: AssertionReader
    signer: Signer
    pepper: bytes = field(repr=False)
    "Of the digests of client secrets."
    pairing: bytes = field(repr=False)
    "Of subjects."
