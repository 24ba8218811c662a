"""Metrics for Prometheus.

Labels come from closed sets, of which sources of keys are one: those of the policy. Identities are
never labels.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


JUDGEMENT_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 1, 5, 30)
"Seconds: a known key takes well below a millisecond, one that must be fetched up to seconds."


class Metrics:
    """All that we count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter(
            "epcscf_register_decisions",
            "REGISTERs judged",
            ("decision", "reason"),
            registry=registry,
        )
        self.seconds = Histogram(
            "epcscf_register_seconds",
            "Time to judge a REGISTER",
            buckets=JUDGEMENT_BUCKETS,
            registry=registry,
        )
        self.failures = Counter(
            "epcscf_register_failures", "REGISTERs that could not be judged", registry=registry
        )
        self.declined = Counter(
            "epcscf_registrations_declined",
            "REGISTERs that were let through and that the core refused",
            ("status_class",),
            registry=registry,
        )
        self.tokens = TokenMetrics(registry)
        self.waf = WafMetrics(registry)
        self.revision = Gauge(
            "epcscf_policy_revision", "Revision of the policy in force", registry=registry
        )
        self.policy_age = Gauge(
            "epcscf_policy_age_seconds",
            "For how long the policy in force has not been confirmed by the store",
            registry=registry,
        )
        self.load_failures = Counter(
            "epcscf_policy_load_failures", "Loads of the policy that failed", registry=registry
        )
        self.edges = Gauge("epcscf_edges", "Conversations with edges", registry=registry)


class TokenMetrics:
    """What we count of tokens and their issuers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fetches = Counter(
            "epcscf_jwks_fetches", "Fetches of keys", ("source", "outcome"), registry=registry
        )
        self.verifications = Counter(
            "epcscf_token_verifications",
            "Tokens verified, by keys or by asking; `outcome` is `good` or the reason why not",
            ("method", "outcome"),
            registry=registry,
        )
        self.introspections = Counter(
            "epcscf_introspections",
            "Questions to entities about tokens",
            ("entity", "outcome"),
            registry=registry,
        )


class StandingMetrics:
    """What we count of registrations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registrations = Gauge(
            "epcscf_registrations",
            "Registrations that stand at edges, as the copy has them",
            ("node", "wwsf"),
            registry=registry,
        )
        self.ended = Counter(
            "epcscf_registrations_ended", "Registrations that ended", ("cause",), registry=registry
        )
        self.unconfirmed = Gauge(
            "epcscf_orders_unconfirmed",
            "Orders that some edge has not confirmed",
            registry=registry,
        )


class WafMetrics:
    """What we count of the WAF."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tokens = Counter(
            "epcscf_waf_token_requests",
            "Token requests at the WAF: issued, or the error",
            ("outcome",),
            registry=registry,
        )
        self.logins = Counter(
            "epcscf_waf_logins", "Logins at the WAF", ("outcome",), registry=registry
        )
        self.revocations = Counter(
            "epcscf_waf_revocations",
            "Authorizations of the WAF that ended before their time",
            registry=registry,
        )


class DeliveryMetrics:
    """What we count of events that are delivered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "epcscf_webhook_deliveries",
            "Tries to deliver an event",
            ("outcome",),
            registry=registry,
        )
        self.backlog = Gauge(
            "epcscf_webhook_backlog",
            "Events that wait to be delivered",
            ("wwsf",),
            registry=registry,
        )
