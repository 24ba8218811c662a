"""The judge and what it needs, joined."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING

from epcscfd.app.judge import RegisterJudge
from epcscfd.domain.policy import AuthorizationEntity, PemKeys, WwsfId
from epcscfd.domain.rules import CloseOnReject, JudgeRules
from epcscfd.errors import InvalidArgument
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.introspector import Introspector
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.keys import KeySet, KeysRefused
from epcscfd.tokens.ledger import OneTimeLedger
from epcscfd.tokens.verifier import JwtVerifier
from epcscfd.tokens.verifying import EntityVerifier


if TYPE_CHECKING:
    from epcscfd.app.provisioning import Resource
    from epcscfd.domain.revocation import Revocations
    from epcscfd.ports import (
        BlockSource,
        Clock,
        Journal,
        PolicySource,
        RevocationSource,
        TokenWatch,
    )
    from epcscfd.settings import Settings


NO_WWSF = WwsfId("")
"Of a token that names none, or one that is gone."


@dataclass(frozen=True, slots=True)
class Sources:
    """What judgements go by."""

    policies: PolicySource
    revocations: RevocationSource
    blocks: BlockSource


class Judging:
    """The judge, and the keeping of keys behind it."""

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        journal: Journal,
        watch: TokenWatch,
        clock: Clock,
    ) -> None:
        self.rules = make_rules(settings)
        self._policies = sources.policies
        lives = KeyLives(
            soft=timedelta(seconds=settings.keys.soft_ttl_seconds),
            hard=timedelta(seconds=settings.keys.hard_ttl_seconds),
        )
        self._keyring = Keyring(clock, watch, lives, settings.keys.ca_file)
        credentials = CredentialStore(Path(settings.introspection.credential_directory), environ)
        self.introspector = Introspector(clock, watch, credentials, settings.keys.ca_file)
        self._keeping: asyncio.Task[None] | None = None
        self.judge = RegisterJudge(
            policies=sources.policies,
            revocations=sources.revocations,
            blocks=sources.blocks,
            verifier=EntityVerifier(JwtVerifier(self._keyring), self.introspector, watch),
            ledger=OneTimeLedger(clock, self.rules.skew),
            journal=journal,
            clock=clock,
            rules=self.rules,
        )

    def start(self) -> None:
        """Begin to fetch keys before they are needed. The policy must be there."""
        self._keeping = asyncio.create_task(self._keyring.keep(self._policies))

    async def stop(self) -> None:
        """Fetch no more."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await self.introspector.close()
        await self._keyring.close()

    def forget_revoked(self, known: Revocations) -> None:
        """Ask anew about tokens that issuers have vouched for and that are *known* revoked."""
        ids = {wwsf.client_id: wwsf.id for wwsf in self._policies.current().wwsfs.values()}
        self.introspector.forget(
            lambda token: known.of_token(token, ids.get(token.wwsf, NO_WWSF)) is not None
        )

    def reread_keys(self) -> None:
        """Have all keys read again when they are next needed."""
        self._keyring.expire()


def make_rules(settings: Settings) -> JudgeRules:
    """Take the rules out of *settings*."""
    judge = settings.judge
    return JudgeRules(
        audience=judge.audience,
        node_host=settings.node.host,
        skew=timedelta(seconds=judge.skew_seconds),
        verdict_life=timedelta(seconds=judge.verdict_life_seconds),
        margin=timedelta(seconds=judge.margin_seconds),
        minimum_expires=timedelta(seconds=judge.minimum_expires_seconds),
        close_on_reject=CloseOnReject(judge.close_on_reject),
    )


def vet_keys(resource: Resource) -> None:
    """Raise InvalidArgument if *resource* brings keys that nobody could sign with."""
    if not isinstance(resource, AuthorizationEntity) or not isinstance(resource.keys, PemKeys):
        return
    try:
        keys = KeySet.from_pem(resource.keys.pem).keys
    except KeysRefused as error:
        raise InvalidArgument("keys.pem", str(error)) from None
    if not any(key.algorithms & resource.algorithms for key in keys):
        raise InvalidArgument("algorithms", "no key of keys.pem can be used with any of them")
