"""What the core is told of a user whose edge is gone: no more than when the user registered."""

from __future__ import annotations

import pytest

from epcscfd.domain.decide import decide_register
from epcscfd.domain.deregistration import deregistration_of
from epcscfd.domain.register import Forward
from tests.builders import (
    a_case,
    a_domain,
    a_policy,
    a_pool,
    a_subscription,
    a_wwsf,
    an_entity,
    some_rules,
)
from tests.fakes.registrations import a_registration


RULES = some_rules()


@pytest.mark.parametrize(
    "policy",
    [
        a_policy(),
        a_policy(entities=[an_entity(location="third_party")]),
        a_policy(
            entities=[an_entity(location="third_party")],
            wwsfs=[a_wwsf(pool=a_pool(["alice@home1.net"]))],
        ),
        a_policy(entities=[an_entity(location="third_party")], subscriptions=[a_subscription()]),
        a_policy(domains=[a_domain(realm="ims.home1.net", next_hop_set=3)]),
    ],
)
def test_the_core_is_told_what_it_was_told_at_registration(policy) -> None:
    registered = decide_register(a_case(policy=policy))
    assert isinstance(registered, Forward)

    told = deregistration_of(a_registration(), policy, RULES)

    assert told is not None
    assert told.authorization == registered.authorization
    assert told.request_uri == registered.request_uri
    assert told.visited_network_id == registered.visited_network_id
    assert told.charging_parameters == registered.charging_parameters
    assert told.next_hop_set == registered.next_hop_set
    assert (told.impu, told.contact) == (str(registered.grant.impu), a_registration().contact)


@pytest.mark.parametrize(
    "changes",
    [
        {"local": True},
        {"scope": ""},
        {"impu": "sip:alice@elsewhere.net"},
        {"impu": "no identity"},
        {"impi": "none"},
        {"contact": ""},
        {"contact": "sip:a@b>\r\nX: y"},
    ],
)
def test_nothing_is_told_of_what_is_not_ours_or_could_not_be_written(changes) -> None:
    assert deregistration_of(a_registration(**changes), a_policy(), RULES) is None
