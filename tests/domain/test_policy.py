"""What a snapshot of the policy can be asked."""

from __future__ import annotations

from epcscfd.domain.identity import Impi, Impu
from tests.builders import a_policy, a_subscription, a_wwsf, an_entity


def test_an_entity_is_found_by_its_issuer_to_the_letter():
    policy = a_policy(entities=[an_entity(), an_entity(id="b", issuer="https://b.example")])

    assert policy.entity_of_issuer("https://b.example").id == "b"
    assert policy.entity_of_issuer("https://b.example/") is None
    assert policy.entity_of_issuer("https://B.example") is None


def test_a_pool_owns_by_name_and_by_realm():
    policy = a_policy(
        wwsfs=[
            a_wwsf(pool={"impi": ["u1@socialnet.example"]}),
            a_wwsf(id="other", pool={"realms": ["socialnet.example"]}),
            a_wwsf(id="third"),
        ]
    )

    assert {"shop", "other"} == policy.pool_owners(Impi("u1", "socialnet.example"))
    assert {"other"} == policy.pool_owners(Impi("u2", "socialnet.example"))
    assert set() == policy.pool_owners(Impi("u1", "sub.socialnet.example"))


def test_a_subscribed_identity_is_known():
    policy = a_policy(subscriptions=[a_subscription()])

    assert policy.is_subscribed(Impu.parse("sip:alice@home1.net"))
    assert not policy.is_subscribed(Impu.parse("sip:bob@home1.net"))


def test_snapshots_are_equal_by_what_they_say():
    assert a_policy() == a_policy()
    assert a_policy() != a_policy(revision=2)
