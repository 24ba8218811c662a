"""What every edge is told, and the challenges in it (RFC 8898 2.1.1)."""

from __future__ import annotations

import pytest

from epcscfd.domain.edge import (
    AdmittedCertificate,
    AdmittedOrigin,
    EdgeView,
    ServedDomain,
    Stamp,
    WwsfChallenges,
    WwsfRules,
    edge_view,
)
from epcscfd.domain.policy import Quota
from tests.builders import a_domain, a_policy, a_wwsf, an_entity, some_rules


ASK = 'Bearer realm="home1.net", scope="webrtc-ims-client-access-to-ims"'
ASK_SECOND = 'Bearer realm="ims.2", scope="webrtc-ims-client-access-to-ims"'
SERVER = 'authz_server="https://waf.home1.net"'
OTHER = {"id": "other", "client_id": "other-client", "origins": ["https://other.example"]}


def charging(domain):
    return f'icid-generated-at=epcscf1.home1.net;orig-ioi="Type 1{domain}"'


def view_of(**parts):
    return edge_view(a_policy(**parts), some_rules())


def test_the_view_has_all_that_the_edge_decides_by():
    policy = a_policy(
        revision=9,
        shared_epoch=5,
        domains=[
            a_domain(),
            a_domain(
                "second.example", realm="ims.2", next_hop_set=2, visited_network_id="vn.second"
            ),
        ],
        entities=[an_entity(epoch=7)],
        wwsfs=[
            a_wwsf(
                epoch=3,
                origins=["https://shop.example", "https://m.shop.example"],
                client_certificates=["c0ffee"],
                credentials="token_or_digest",
                quota={"max_registrations": 500, "max_first_sights": 20},
                token_in_every_request=True,
            )
        ],
    )

    assert edge_view(policy, some_rules()) == EdgeView(
        revision=9,
        origins=(
            AdmittedOrigin("https://m.shop.example", "shop"),
            AdmittedOrigin("https://shop.example", "shop"),
        ),
        certificates=(AdmittedCertificate("c0ffee", "shop"),),
        domains=(
            ServedDomain("home1.net", 1, '"home1.net"', charging("home1.net")),
            ServedDomain("second.example", 2, '"vn.second"', charging("second.example")),
        ),
        stamps=(Stamp("shop/waf", "3.7.5"),),
        challenges=(
            WwsfChallenges("shop", "", (f"{ASK}, {SERVER}",)),
            WwsfChallenges("shop", "home1.net", (f"{ASK}, {SERVER}",)),
            WwsfChallenges("shop", "second.example", (f"{ASK_SECOND}, {SERVER}",)),
        ),
        wwsfs=(
            WwsfRules(
                "shop",
                tokens=True,
                digest=True,
                token_in_every_request=True,
                quota=Quota(500, 20),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("credentials", "tokens", "digest"),
    [("token", True, False), ("digest", False, True), ("token_or_digest", True, True)],
)
def test_only_who_takes_tokens_asks_for_them(credentials, tokens, digest):
    view = view_of(wwsfs=[a_wwsf(credentials=credentials)])

    assert (WwsfRules("shop", tokens, digest, False, Quota()),) == view.wwsfs
    assert tokens == bool(view.challenges)


def test_a_suspended_wwsf_gets_no_websocket_and_another_one_does():
    view = view_of(
        wwsfs=[a_wwsf(state="suspended", client_certificates=["c0ffee"]), a_wwsf(**OTHER)]
    )

    assert (AdmittedOrigin("https://other.example", "other"),) == view.origins
    assert view.certificates == ()
    assert {challenges.wwsf for challenges in view.challenges} == {"other"}
    assert [rules.wwsf for rules in view.wwsfs] == ["other"]


def test_an_edit_changes_the_stamps_of_whom_it_concerns_and_no_others():
    entities = [an_entity(), an_entity(id="another", issuer="https://another.example")]
    wwsfs = [a_wwsf(entities=["waf", "another"]), a_wwsf(**OTHER)]
    before = set(view_of(wwsfs=wwsfs, entities=entities).stamps)

    def changed(**parts):
        after = set(view_of(**({"wwsfs": wwsfs, "entities": entities} | parts)).stamps)
        return {stamp.scope for stamp in after - before}

    edited = a_wwsf(entities=["waf", "another"], epoch=1)
    assert {"shop/waf", "shop/another"} == changed(wwsfs=[edited, wwsfs[1]])
    assert {"shop/waf", "other/waf"} == changed(entities=[an_entity(epoch=1), entities[1]])
    assert {"shop/waf", "shop/another", "other/waf"} == changed(shared_epoch=1)


def test_a_wwsf_that_names_an_entity_which_is_gone_has_no_stamp_for_it():
    assert view_of(wwsfs=[a_wwsf(entities=["gone"])]).stamps == ()


@pytest.mark.req("SX-29")
def test_each_waf_of_the_wwsf_has_its_own_challenge():
    view = view_of(
        wwsfs=[a_wwsf(entities=["waf", "socialnet"])],
        entities=[
            an_entity(),
            an_entity(id="socialnet", issuer="https://waf.socialnet.example", scope="ims"),
            an_entity(id="unrelated", issuer="https://unrelated.example"),
        ],
    )

    assert view.challenges[0].values == (
        'Bearer realm="home1.net", scope="ims", authz_server="https://waf.socialnet.example"',
        f'{ASK}, authz_server="https://waf.home1.net"',
    )


@pytest.mark.req("SX-29")
def test_a_barred_entity_is_not_where_a_token_is_to_be_had():
    view = view_of(
        wwsfs=[a_wwsf(entities=["waf", "socialnet"])],
        entities=[
            an_entity(),
            an_entity(id="socialnet", issuer="https://waf.socialnet.example", state="barred"),
        ],
    )

    assert (f'{ASK}, authz_server="https://waf.home1.net"',) == view.challenges[0].values


def test_where_nobody_may_vouch_the_challenge_names_no_server():
    assert view_of(entities=[an_entity(state="barred")]).challenges[0].values == (ASK,)


def test_a_challenge_has_the_realm_of_the_home_domain_that_it_is_for():
    view = view_of(domains=[a_domain("b.example", realm="b"), a_domain("a.example", realm="a")])

    realms = {each.domain: each.values[0].split(", ")[0] for each in view.challenges}
    assert realms == {
        "": 'Bearer realm="a"',
        "a.example": 'Bearer realm="a"',
        "b.example": 'Bearer realm="b"',
    }


def test_without_a_home_domain_the_realm_is_the_node():
    (challenges,) = view_of(domains=[]).challenges

    assert challenges.values[0].startswith('Bearer realm="epcscf1.home1.net", ')
