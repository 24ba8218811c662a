"""What is logged and counted of deliveries: enough to mend them, and no secret."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry

from epcscfd.app.webhooks import Backlog
from epcscfd.telemetry.deliveries import DeliveryWatch
from epcscfd.telemetry.metrics import DeliveryMetrics
from tests.domain.test_webhook import EVENT, SECRET, WEBHOOK
from tests.fakes.log import logging_as


def test_deliveries_are_logged_and_counted_without_secrets() -> None:
    registry = CollectorRegistry()
    failed = replace(WEBHOOK, attempts=3, last_error="answered 500")
    with logging_as("json") as log:
        watch = DeliveryWatch(DeliveryMetrics(registry))
        watch.webhook_set("shop", "https://shop.example/released?key=hidden", "unix:")
        watch.delivered(EVENT)
        watch.delivery_failed(failed, EVENT)
        watch.gave_up(failed, EVENT)
        watch.backlogs([Backlog(failed, 7)])

    told = log.getvalue()
    assert "https://shop.example/released" in told
    assert "answered 500" in told
    assert "hidden" not in told
    assert SECRET not in told
    count = registry.get_sample_value
    name = "epcscf_webhook_deliveries_total"
    outcomes = ("delivered", "failed", "gave_up")
    assert [count(name, {"outcome": outcome}) for outcome in outcomes] == [1, 1, 1]
    assert count("epcscf_webhook_backlog", {"wwsf": "shop"}) == 7
