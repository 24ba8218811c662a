"""What becomes of registrations, for the log and the metrics: who could act as whom, and when."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import structlog

from epcscfd.telemetry import events


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from epcscfd.domain.block import BlockState
    from epcscfd.domain.orders import Order, Progress
    from epcscfd.domain.policy import WwsfId
    from epcscfd.domain.registration import Boot, Cause, Entry
    from epcscfd.domain.release import Release
    from epcscfd.domain.revocation import Revocation
    from epcscfd.telemetry.metrics import StandingMetrics


class StandingWatch:
    """Logs and counts. The log of these events is the audit trail of TS 33.203 REQ 2.3."""

    def __init__(self, metrics: StandingMetrics) -> None:
        self._metrics = metrics
        self._failing = False
        self._log = structlog.get_logger()

    def registration_began(self, entry: Entry) -> None:
        """Note that a registration has begun."""
        self._log.info(events.REGISTRATION_BEGAN, **_facts(entry))

    def registration_ended(self, entry: Entry) -> None:
        """Note that one has ended."""
        cause = entry.cause or ""
        self._metrics.ended.labels(cause).inc()
        self._log.info(events.REGISTRATION_ENDED, **_facts(entry), cause=cause)

    def identity_released(self, release: Release) -> None:
        """Note that an identity is registered no more."""
        until = release.may_return_until
        self._log.info(
            events.IDENTITY_RELEASED,
            wwsf=release.wwsf,
            impi=release.impi,
            impu=release.impu,
            cause=release.cause,
            may_return_until=until.isoformat() if until else "",
        )

    def counted(self, standing: Mapping[tuple[str, str], int], unconfirmed: int) -> None:
        """Note what stands, by node and WWSF, and how many orders are not confirmed."""
        self._metrics.unconfirmed.set(unconfirmed)
        self._metrics.registrations.clear()
        for (node, wwsf), count in standing.items():
            self._metrics.registrations.labels(node, wwsf).set(count)

    def reports_dropped(self, boot: Boot) -> None:
        """Note that there is no room for what an edge tells."""
        self._log.error(events.REPORTS_DROPPED, node=boot.node, boot_id=boot.boot_id)

    def writing_failed(self, error: Exception) -> None:
        """Note that the copy could not be written; it will be tried again."""
        # Every second until it works: told once.
        if not self._failing:
            self._log.error(events.COPY_FAILED, exc_info=error)
        self._failing = True

    def tending_failed(self, error: Exception) -> None:
        """Note that what is due could not be done; it will be tried again."""
        self.writing_failed(error)

    def order_issued(self, order: Order) -> None:
        """Note that an order to edges has been written down."""
        self._log.info(events.ORDER_ISSUED, order=order.id, errand=str(order.errand))

    def order_finished(self, boot: Boot, order_id: str, progress: Progress) -> None:
        """Note that an edge has done all of an order."""
        self._log.info(events.ORDER_FINISHED, order=order_id, node=boot.node, **asdict(progress))

    def orders_failed(self, error: Exception) -> None:
        """Note that orders could not be written down; it will be tried again."""
        self.writing_failed(error)

    def revoked(self, revocation: Revocation, peer: str) -> None:
        """Note a revocation."""
        self._log.info(
            events.TOKENS_REVOKED,
            revocation=revocation.id,
            whom=revocation.whom,
            value=revocation.value,
            note=revocation.note,
            peer=peer,
        )

    def taken_back(self, id_: str, peer: str) -> None:
        """Note that a revocation was taken back."""
        self._log.info(events.REVOCATION_TAKEN_BACK, revocation=id_, peer=peer)

    def block_registered(self, wwsf: WwsfId, state: BlockState) -> None:
        """Note that a block is registered, or longer than before."""
        until = state.until.isoformat() if state.until else ""
        self._log.info(events.BLOCK_REGISTERED, wwsf=wwsf, account=state.account, until=until)

    def block_ended(self, wwsf: WwsfId, cause: Cause) -> None:
        """Note that the registration of a block has ended."""
        self._log.warning(events.BLOCK_ENDED, wwsf=wwsf, cause=cause)

    def block_narrowed(self, wwsf: WwsfId, missing: Sequence[str]) -> None:
        """Note that the core has confirmed less than is provisioned."""
        self._log.error(events.BLOCK_NARROWED, wwsf=wwsf, unconfirmed=list(missing))

    def blocks_failed(self, error: Exception) -> None:
        """Note that news of a block could not be written down; it will be tried again."""
        self.writing_failed(error)

    def written(self) -> None:
        """Note that the copy is written again."""
        self._failing = False


def _facts(entry: Entry) -> dict[str, str]:
    registration = entry.registration
    return {
        "registration": registration.key,
        "decision_id": registration.decision_id,
        "wwsf": registration.wwsf,
        "entity": registration.entity,
        "impi": registration.impi,
        "impu": registration.impu,
        "jti_digest": registration.token_id,
        "node": registration.boot.node,
    }
