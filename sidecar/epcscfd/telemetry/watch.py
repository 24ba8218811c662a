"""The watch: what every part tells about itself, in the log and in the metrics.

Parts know a Protocol of their own with the few methods that they call; this one class has them
all, so that names of events and metrics stand in one place.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from epcscfd.ports import IntrospectionOutcome
from epcscfd.telemetry import events


if TYPE_CHECKING:
    from epcscfd.domain.oauth.families import Family
    from epcscfd.domain.oauth.refusals import Refusal
    from epcscfd.domain.policy import Policy
    from epcscfd.domain.reasons import Reason
    from epcscfd.domain.register import RegisterFacts
    from epcscfd.ports import KeyFetch
    from epcscfd.telemetry.metrics import Metrics


LONGEST_SHOWN = 128
"Characters of what somebody else has written."

VERIFICATIONS_AT_HAND = 64
"Methods and outcomes that come together; there are hardly more."


class Watch:
    """Logs and counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # One for every token: to find a count by its labels takes as long as three of these.
        self._verifications = lru_cache(maxsize=VERIFICATIONS_AT_HAND)(
            metrics.tokens.verifications.labels
        )
        self._last_failure = ""
        self._log = structlog.get_logger()

    def published(self, policy: Policy) -> None:
        """Note that *policy* is in force."""
        self._last_failure = ""
        self._metrics.revision.set(policy.revision)
        self._log.info(
            events.POLICY_PUBLISHED,
            revision=policy.revision,
            home_domains=len(policy.domains),
            entities=len(policy.entities),
            wwsfs=len(policy.wwsfs),
            subscriptions=len(policy.subscriptions),
        )

    def load_failed(self, error: Exception) -> None:
        """Note that a load failed, and the policy before stays in force."""
        self._metrics.load_failures.inc()
        # Loads are tried every other second; what goes on failing is told once.
        if repr(error) != self._last_failure:
            self._log.error(events.POLICY_LOAD_FAILED, exc_info=error)
        self._last_failure = repr(error)

    def edited(self, verb: str, name: str, peer: str) -> None:
        """Note that *peer* has created, updated or deleted the resource *name*."""
        self._log.info(events.POLICY_EDITED, verb=verb, name=name, peer=peer)

    def edge_joined(self, node: str, boot_id: str) -> None:
        """Note that a conversation has begun."""
        self._metrics.edges.inc()
        self._log.info(events.EDGE_JOINED, node=node, boot_id=boot_id)

    def edge_left(self, node: str, boot_id: str) -> None:
        """Note that it has ended."""
        self._metrics.edges.dec()
        self._log.info(events.EDGE_LEFT, node=node, boot_id=boot_id)

    def judge_failed(self, facts: RegisterFacts, error: Exception) -> None:
        """Note that the judge broke, or was not asked for want of room."""
        self._metrics.failures.inc()
        self._log.error(
            events.REGISTER_FAILED,
            wwsf=facts.door.wwsf,
            call_id=facts.call_id[:128],
            exc_info=error,
        )

    def declined(self, decision_id: str, status: int) -> None:
        """Note that the core refused a forwarded REGISTER."""
        self._metrics.declined.labels(f"{min(max(status // 100, 1), 6)}xx").inc()
        self._log.info(events.REGISTRATION_DECLINED, decision_id=decision_id, status=status)

    def keys_fetched(self, source: str, outcome: KeyFetch, why: str) -> None:
        """Note how a fetch of keys ended."""
        self._metrics.tokens.fetches.labels(source, outcome.value).inc()
        self._log.info(events.KEYS_FETCHED, source=source, outcome=outcome.value, why=why)

    def token_verified(self, method: str, reason: Reason | None) -> None:
        """Note how a verification of a token ended."""
        self._verifications(method, reason or "good").inc()

    def introspected(self, entity: str, outcome: IntrospectionOutcome, why: str) -> None:
        """Note how a question about a token ended; alarm if it is us who are refused."""
        self._metrics.tokens.introspections.labels(entity, outcome.value).inc()
        match outcome:
            case IntrospectionOutcome.UNREACHABLE:
                self._log.warning(events.INTROSPECTION_FAILED, entity=entity, why=why)
            case IntrospectionOutcome.REFUSED:
                self._log.error(events.INTROSPECTION_REFUSED, entity=entity, why=why)

    def call_failed(self, method: str, error: Exception) -> None:
        """Note a bug that a caller ran into."""
        self._log.error(events.CALL_FAILED, method=method, exc_info=error)

    def token_issued(self, wwsf: str, jti: str) -> None:
        """Note an access token of the WAF."""
        self._metrics.waf.tokens.labels("issued").inc()
        self._log.info(events.WAF_TOKEN_ISSUED, wwsf=wwsf, jti=jti)

    def token_refused(self, client: str, grant_type: str, refusal: Refusal) -> None:
        """Note a refusal of the WAF's token endpoint."""
        self._metrics.waf.tokens.labels(refusal.error.value).inc()
        self._log.info(
            events.WAF_TOKEN_REFUSED,
            client=client[:LONGEST_SHOWN],
            grant_type=grant_type[:LONGEST_SHOWN],
            error=refusal.error.value,
            why=refusal.why,
        )

    def login_ended(self, outcome: str, address: str) -> None:
        """Note how a login at the WAF went."""
        self._metrics.waf.logins.labels(outcome).inc()
        self._log.info(events.WAF_LOGIN_ENDED, outcome=outcome, address=address)

    def family_revoked(self, family: Family, why: str) -> None:
        """Note that an authorization has ended before its time."""
        self._metrics.waf.revocations.inc()
        self._log.info(events.WAF_FAMILY_REVOKED, wwsf=family.wwsf, family=family.id, why=why)

    def upkeep_failed(self, error: Exception) -> None:
        """Note that keys could not be read, or dead rows not be swept."""
        self._log.error(events.WAF_UPKEEP_FAILED, exc_info=error)
