"""Cases: one REGISTER with everything needed to judge it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from epcscfd.domain.block import NO_BLOCKS, Blocks, BlockState
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.once import Once
from epcscfd.domain.ownership import Ownership, Proven, ownership
from epcscfd.domain.policy import AuthorizationEntity, HomeDomain, Policy, Wwsf
from epcscfd.domain.ranges import IdentityRange, RangeMode
from epcscfd.domain.register import RegisterRequest
from epcscfd.domain.revocation import Revocation
from epcscfd.domain.rules import JudgeRules
from epcscfd.domain.token import AccessToken, Assertion, TokenUse


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the token of a request."""

    assertion: Assertion | None = None
    "None: there was no token to verify."
    use: TokenUse = TokenUse.FREE
    revocation: Revocation | None = None
    "What revokes it."


@dataclass(frozen=True)
class Case:
    """One REGISTER with everything needed to judge it.

    The properties are for checks that stand behind the one that makes them true; before it
    they raise LookupError. Many checks ask for the same ones, so each is found out once.
    """

    request: RegisterRequest
    evidence: Evidence
    policy: Policy
    rules: JudgeRules
    now: datetime
    blocks: Blocks = NO_BLOCKS
    "Which are registered."

    @Once
    def wwsf(self) -> Wwsf:
        """The WWSF of the door."""
        return self.policy.wwsfs[self.request.door.wwsf]

    @Once
    def token(self) -> AccessToken:
        """The verified token."""
        if isinstance(self.evidence.assertion, AccessToken):
            return self.evidence.assertion
        raise LookupError("no token has been verified")

    @Once
    def entity(self) -> AuthorizationEntity:
        """Who vouches in the token."""
        return self.policy.entities[self.token.entity]

    @Once
    def impi(self) -> Impi:
        """The private identity to be registered."""
        if self.token.impi is None:
            raise LookupError("the token has no IMPI")
        return self.token.impi

    @Once
    def impu(self) -> Impu:
        """The public identity to be registered."""
        if self.request.to is None:
            raise LookupError("To has no IMPU")
        return self.request.to

    @Once
    def domain(self) -> str:
        """The domain whose user the identity is, a home domain or not."""
        if self.impu.domain is not None:
            return self.impu.domain
        # A number belongs to no domain; its user's IMPI does (TS 23.003 13.3). An IMPI of a
        # pool may have a realm of its own: then it is the one that the REGISTER is addressed
        # to (TS 24.229 5.1.1.2.1).
        realm = self.impi.realm
        return realm if realm in self.policy.domains else self.request.facts.request_domain

    @Once
    def home_domain(self) -> HomeDomain:
        """The home domain of the identity."""
        return self.policy.domains[self.domain]

    @Once
    def ownership(self) -> Ownership:
        """Whose the identity is."""
        return ownership(self.impi, self.impu, self.wwsf.id, self.policy)

    @Once
    def range_of_block(self) -> IdentityRange | None:
        """The range of the WWSF's block in which the identity lies, if it does."""
        match self.ownership:
            case Proven(range=IdentityRange(mode=RangeMode.BLOCK) as found):
                return found
            case _:
                return None

    @Once
    def registered_block(self) -> BlockState | None:
        """The registration of the block of the WWSF, if it stands."""
        return self.blocks.registration_of(self.wwsf, self.now)
