"""One line per decision, and figures with closed labels."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from epcscfd.domain.judgement import judge_register
from epcscfd.domain.reasons import Reason
from epcscfd.ports import IntrospectionOutcome, KeyFetch
from epcscfd.telemetry import events
from epcscfd.telemetry.journal import DecisionJournal
from epcscfd.telemetry.metrics import Metrics
from epcscfd.telemetry.watch import Watch
from tests.builders import a_case, a_fault, a_policy, a_token, a_wwsf, register_facts


if TYPE_CHECKING:
    from collections.abc import Iterator

    from epcscfd.domain.case import Case


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def log() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def journal(registry: CollectorRegistry) -> DecisionJournal:
    return DecisionJournal(Metrics(registry))


@pytest.fixture
def watch(registry: CollectorRegistry) -> Watch:
    return Watch(Metrics(registry))


def decide(journal: DecisionJournal, case: Case) -> None:
    journal.record(judge_register(case, "d1", timedelta(milliseconds=1.5)))


@pytest.mark.req("SX-30")
def test_a_decision_is_one_line_with_all_that_an_audit_asks_for(
    journal: DecisionJournal, log: list[Any]
) -> None:
    decide(journal, a_case(assertion=a_token(token_id="jti-1")))

    assert log == [
        {
            "event": events.REGISTER_DECIDED,
            "log_level": "info",
            "decision_id": "d1",
            "decision": "forward",
            "reason": "",
            "detail": "",
            "impi": "alice@home1.net",
            "impu": "sip:alice@home1.net",
            "wwsf": "shop",
            "entity": "waf",
            "revision": 1,
            "duration_ms": 1.5,
            "call_id": "aiuy7k9njasd",
            "jti": "jti-1",
        }
    ]


def test_a_refusal_says_why_and_what_it_was_shown(
    journal: DecisionJournal, log: list[Any]
) -> None:
    decide(journal, a_case(facts=register_facts(to="sips:alice@home1.net"), assertion=a_fault()))

    (line,) = log
    assert (line["decision"], line["reason"]) == ("refuse", "signature_invalid")
    assert line["detail"] == "found something"
    assert line["impu"] == "sips:alice@home1.net"


@pytest.mark.req("S000-26", "SX-30")
def test_the_refusal_of_a_suspended_wwsf_is_on_record(
    journal: DecisionJournal, log: list[Any]
) -> None:
    decide(journal, a_case(policy=a_policy(wwsfs=[a_wwsf(state="suspended")])))

    (line,) = log
    assert (line["decision"], line["reason"]) == ("refuse", "wwsf_suspended")
    assert (line["wwsf"], line["entity"], line["impi"]) == ("shop", "waf", "alice@home1.net")


def test_decisions_are_counted_by_ending_and_reason(
    journal: DecisionJournal, registry: CollectorRegistry, log: list[Any]
) -> None:
    accepted = a_case(policy=a_policy(wwsfs=[a_wwsf(ranges=["sip:alice@home1.net"])]))
    for case in (a_case(), a_case(), accepted, a_case(assertion=a_fault())):
        decide(journal, case)

    def count(decision: str, reason: str) -> float | None:
        labels = {"decision": decision, "reason": reason}
        return registry.get_sample_value("epcscf_register_decisions_total", labels)

    assert count("forward", "") == 2
    assert count("accept", "") == 1
    assert count("refuse", "signature_invalid") == 1
    assert registry.get_sample_value("epcscf_register_seconds_count") == 4


def test_identities_are_never_labels(
    journal: DecisionJournal, registry: CollectorRegistry, log: list[Any]
) -> None:
    decide(journal, a_case())

    values = {
        value
        for metric in registry.collect()
        for sample in metric.samples
        for value in sample.labels.values()
    }
    assert not [value for value in values if "alice" in value or "home1" in value]


def test_a_policy_in_force_is_told_with_its_size(
    watch: Watch, registry: CollectorRegistry, log: list[Any]
) -> None:
    watch.published(a_policy(revision=7))

    assert log == [
        {
            "event": events.POLICY_PUBLISHED,
            "log_level": "info",
            "revision": 7,
            "home_domains": 1,
            "entities": 1,
            "wwsfs": 1,
            "subscriptions": 0,
        }
    ]
    assert registry.get_sample_value("epcscf_policy_revision") == 7


def test_what_goes_on_failing_is_counted_but_told_once(
    watch: Watch, registry: CollectorRegistry, log: list[Any]
) -> None:
    for error in (OSError("disk gone"), OSError("disk gone"), OSError("worse")):
        watch.load_failed(error)
    watch.published(a_policy())
    watch.load_failed(OSError("worse"))

    told = [line["event"] for line in log]
    failed, published = events.POLICY_LOAD_FAILED, events.POLICY_PUBLISHED
    assert told == [failed, failed, published, failed]
    assert registry.get_sample_value("epcscf_policy_load_failures_total") == 4


def test_edges_come_and_go(watch: Watch, registry: CollectorRegistry, log: list[Any]) -> None:
    watch.edge_joined("edge1", "b1")
    watch.edge_joined("edge2", "b1")
    watch.edge_left("edge1", "b1")

    assert [line["event"] for line in log] == [
        events.EDGE_JOINED,
        events.EDGE_JOINED,
        events.EDGE_LEFT,
    ]
    assert registry.get_sample_value("epcscf_edges") == 1


@pytest.mark.parametrize(
    ("status", "status_class"), [(403, "4xx"), (503, "5xx"), (0, "1xx"), (999, "6xx")]
)
def test_what_the_core_declines_is_counted_and_told(
    watch: Watch, registry: CollectorRegistry, log: list[Any], status: int, status_class: str
) -> None:
    watch.declined("d1", status)

    labels = {"status_class": status_class}
    assert registry.get_sample_value("epcscf_registrations_declined_total", labels) == 1
    assert (log[0]["decision_id"], log[0]["status"]) == ("d1", status)


def test_fetches_of_keys_are_counted_by_source_and_outcome(
    watch: Watch, registry: CollectorRegistry, log: list[Any]
) -> None:
    watch.keys_fetched("https://waf.home1.net/jwks", KeyFetch.FAILED, "refused")

    labels = {"source": "https://waf.home1.net/jwks", "outcome": "failed"}
    assert registry.get_sample_value("epcscf_jwks_fetches_total", labels) == 1
    assert log[0]["why"] == "refused"


def test_a_judge_that_breaks_is_counted_and_told(
    watch: Watch, registry: CollectorRegistry, log: list[Any]
) -> None:
    watch.judge_failed(register_facts(call_id="c" * 999), ZeroDivisionError("a bug"))

    (line,) = log
    assert line["event"] == events.REGISTER_FAILED
    assert len(line["call_id"]) < 200
    assert registry.get_sample_value("epcscf_register_failures_total") == 1


def test_verifications_of_tokens_are_counted_by_method_and_outcome(
    watch: Watch, registry: CollectorRegistry
) -> None:
    for reason in (None, None, Reason.TOKEN_INACTIVE):
        watch.token_verified("introspection", reason)
    watch.token_verified("keys", None)

    def count(method: str, outcome: str) -> float | None:
        labels = {"method": method, "outcome": outcome}
        return registry.get_sample_value("epcscf_token_verifications_total", labels)

    assert count("introspection", "good") == 2
    assert count("introspection", "token_inactive") == 1
    assert count("keys", "good") == 1


def test_only_what_somebody_has_to_see_to_is_told_of_introspection(
    watch: Watch, registry: CollectorRegistry, log: list[Any]
) -> None:
    for outcome in IntrospectionOutcome:
        watch.introspected("waf", outcome, "why")

    assert [(line["event"], line["log_level"]) for line in log] == [
        (events.INTROSPECTION_FAILED, "warning"),
        (events.INTROSPECTION_REFUSED, "error"),
    ]
    for outcome in IntrospectionOutcome:
        labels = {"entity": "waf", "outcome": outcome.value}
        assert registry.get_sample_value("epcscf_introspections_total", labels) == 1
