"""How events are delivered, for the log and the metrics. Secrets are in neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from epcscfd.telemetry import events


if TYPE_CHECKING:
    from collections.abc import Sequence

    from epcscfd.app.webhooks import Backlog
    from epcscfd.domain.release import Event
    from epcscfd.domain.webhook import Webhook
    from epcscfd.telemetry.metrics import DeliveryMetrics


class DeliveryWatch:
    """Logs and counts."""

    def __init__(self, metrics: DeliveryMetrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger()

    def delivered(self, event: Event) -> None:
        """Note that an event was taken."""
        self._metrics.deliveries.labels("delivered").inc()
        self._log.info(events.WEBHOOK_DELIVERED, event_id=event.id, wwsf=event.release.wwsf)

    def delivery_failed(self, webhook: Webhook, event: Event) -> None:
        """Note that it was not, and will be tried again."""
        self._metrics.deliveries.labels("failed").inc()
        self._log.warning(
            events.WEBHOOK_FAILED,
            event_id=event.id,
            wwsf=webhook.wwsf,
            attempts=webhook.attempts,
            why=webhook.last_error,
        )

    def gave_up(self, webhook: Webhook, event: Event) -> None:
        """Note that it was given up."""
        self._metrics.deliveries.labels("gave_up").inc()
        self._log.error(
            events.WEBHOOK_GAVE_UP,
            event_id=event.id,
            wwsf=webhook.wwsf,
            attempts=webhook.attempts,
            why=webhook.last_error,
        )

    def couriers_failed(self, error: Exception) -> None:
        """Note that the store has failed; it will be tried again."""
        self._log.error(events.COPY_FAILED, exc_info=error)

    def backlogs(self, backlogs: Sequence[Backlog]) -> None:
        """Note what waits."""
        self._metrics.backlog.clear()
        for each in backlogs:
            self._metrics.backlog.labels(each.webhook.wwsf).set(each.waiting)

    def webhook_set(self, wwsf: str, url: str, peer: str) -> None:
        """Note that the events of a WWSF go to *url*."""
        # Some put a key of their own behind the question mark.
        self._log.info(events.WEBHOOK_SET, wwsf=wwsf, url=url.partition("?")[0], peer=peer)

    def webhook_deleted(self, wwsf: str, peer: str) -> None:
        """Note that they are delivered no more."""
        self._log.info(events.WEBHOOK_DELETED, wwsf=wwsf, peer=peer)
