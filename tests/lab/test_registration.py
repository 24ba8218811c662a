"""The core registers whom it should, by I-CSCF, S-CSCF and HSS, and nobody else."""

from __future__ import annotations

import pytest

from lab.cx import SUBSEQUENT_REGISTRATION, Assignment, Command
from lab.digest import answer_challenge, auth_parameters
from lab.udp import User


pytestmark = pytest.mark.kamailio


def asked_of_hss(core, user):
    """The commands about a user, as (command, kind of assignment)."""
    requests = [received.request for received in core.hss.commands(user.impi)]
    return [(request.command, request.assignment) for request in requests]


@pytest.mark.req("S000-13")
def test_trusted_node_registers_with_one_sar_and_no_challenge(core, subscribe, register):
    user = subscribe()

    response = register(user)

    assert response.status == 200
    assert response.one("P-Associated-URI") == f"<{user.impu}>"
    assert response.one("Service-Route") == f"<{core.scscf.uri.replace('sip:', 'sip:orig@')};lr>"
    assert core.scscf.registered(user.impu)
    assert core.hss.registrations()[user.impi] == core.scscf.uri
    assert asked_of_hss(core, user) == [
        (Command.USER_AUTHORIZATION, None),
        (Command.SERVER_ASSIGNMENT, Assignment.REGISTRATION),
    ]


def test_refresh_and_deregistration_reach_the_hss_as_such(core, subscribe, register):
    user = subscribe()

    assert register(user).status == 200
    assert register(user).status == 200
    assert register(user, expires=0).status == 200

    assignments = [kind for _, kind in asked_of_hss(core, user) if kind is not None]
    assert assignments == [
        Assignment.REGISTRATION,
        Assignment.RE_REGISTRATION,
        Assignment.USER_DEREGISTRATION,
    ]
    assert user.impi not in core.hss.registrations()
    core.scscf.wait_until_gone(user.impu)


def test_whole_implicit_set_is_registered_and_barred_identities_are_not_named(
    core, subscribe, register
):
    user = subscribe(
        impus=("sip:set@ims.example", "sip:old.set@ims.example", "tel:+15550199"),
        barred=frozenset({"sip:old.set@ims.example"}),
    )

    response = register(user)

    assert response.one("P-Associated-URI") == "<sip:set@ims.example>, <tel:+15550199>"
    assert core.scscf.registered("tel:+15550199")


@pytest.mark.req("S000-14")
def test_auth_done_from_an_untrusted_peer_is_refused_before_the_hss(
    core, subscribe, edge, register
):
    """At the S-CSCF only the I-CSCFs are trusted: not even the eP-CSCF itself."""
    user = subscribe()
    past_the_icscf = "127.0.0.1", int(core.scscf.uri.rpartition(":")[2])

    response = register(user, to=past_the_icscf)

    assert (response.status, asked_of_hss(core, user)) == (403, [])


@pytest.mark.req("S001-5")
def test_register_from_elsewhere_is_refused_before_the_hss(core, subscribe, stranger, register):
    user = subscribe()

    response = register(user, agent=stranger)

    assert (response.status, asked_of_hss(core, user)) == (403, [])


@pytest.mark.req("S001-5")
@pytest.mark.parametrize("visited", ['"elsewhere.example"', "ims.example.evil", '""'])
def test_register_from_another_network_is_refused_before_the_hss(
    core, subscribe, register, visited
):
    user = subscribe()

    response = register(user, headers=[("P-Visited-Network-ID", visited)])

    assert (response.status, asked_of_hss(core, user)) == (403, [])


def test_hss_refuses_a_network_where_the_user_may_not_roam(core, subscribe, register):
    user = subscribe(visited_networks=frozenset({"other.example"}))

    assert register(user).status == 403
    assert asked_of_hss(core, user) == [(Command.USER_AUTHORIZATION, None)]


def test_unknown_and_foreign_identities_are_refused(core, subscribe, register):
    one, other = subscribe(), subscribe()

    assert register(User("nobody@ims.example", "sip:nobody@ims.example")).status == 403
    assert register(User(one.impi, other.impu)).status == 403


@pytest.mark.req("S003-26")
def test_user_with_nothing_but_barred_identities_is_refused(core, subscribe, register):
    barred = "sip:barred@ims.example"
    user = subscribe(impus=(barred,), barred=frozenset({barred}))

    assert register(user).status == 403
    assert asked_of_hss(core, user) == [(Command.USER_AUTHORIZATION, None)]


@pytest.fixture
def register_by_digest(core, edge):
    """Ask for a challenge and answer it; return both responses."""

    def attempt(user, password):
        def send(credentials):
            request = edge.register(user, [("Authorization", credentials)])
            return edge.exchange(request, core.icscf_addresses[0])

        home = f"sip:{user.realm}"
        challenged = send(
            f'Digest username="{user.impi}", realm="{user.realm}", nonce="", '
            f'uri="{home}", response=""'
        )
        if challenged.status != 401:
            return challenged, None
        challenge = challenged.one("WWW-Authenticate")
        return challenged, send(answer_challenge(challenge, user.impi, password, home))

    return attempt


def test_subscriber_with_a_password_registers_by_digest(core, subscribe, register_by_digest):
    user = subscribe(password="open sesame")

    challenged, response = register_by_digest(user, "open sesame")

    assert auth_parameters(challenged.one("WWW-Authenticate"))["realm"] == "ims.example"
    assert response.status == 200
    assert core.scscf.registered(user.impu)


def test_wrong_password_is_refused(core, subscribe, register_by_digest):
    user = subscribe(password="open sesame")

    _, response = register_by_digest(user, "open barley")

    assert response.status == 403
    assert not core.scscf.registered(user.impu)


def test_user_without_a_password_cannot_register_by_digest(subscribe, register_by_digest):
    refused, _ = register_by_digest(subscribe(), "anything")

    assert refused.status == 403


@pytest.mark.parametrize(
    ("value", "status"),
    [("tls-pending", 401), ("ip-assoc-yes", 401), ("Auth-Done-x", 400), ("", 400)],
)
def test_only_auth_done_spares_the_challenge(core, subscribe, edge, value, status):
    user = subscribe(password="x")
    credentials = user.tna_credentials().replace("auth-done", value)

    response = edge.exchange(
        edge.register(user, [("Authorization", credentials)]), core.icscf_addresses[0]
    )

    assert response.status == status
    assert not core.scscf.registered(user.impu)


def test_two_authorization_headers_are_refused(core, subscribe, register):
    user = subscribe()
    second = ("Authorization", 'Digest username="x", realm="y", nonce="", uri="z", response=""')

    assert register(user, headers=[second]).status == 400


def test_client_that_does_not_speak_path_is_refused_and_not_registered(core, subscribe, register):
    user = subscribe()

    assert register(user, headers=[("Supported", "outbound, xpath")]).status == 420
    assert not core.scscf.registered(user.impu)


def test_deregistration_of_an_unbound_contact_leaves_the_user_alone(
    core, subscribe, register, edge
):
    """Without the guard in the configuration this locks the user's row for ever."""
    user = subscribe()
    register(user)

    elsewhere = ("Contact", "<sip:unbound@127.0.0.1:9>;expires=0")
    assert register(user, headers=[elsewhere], expires=0).status == 200

    assert register(user).status == 200
    assert core.scscf.contacts(user.impu).keys() == {user.contact(edge.authority)}


def test_second_icscf_serves_as_well(core, subscribe, register):
    user = subscribe()

    assert register(user, to=core.icscf_addresses[1]).status == 200
    assert register(user, to=core.icscf_addresses[0]).status == 200

    peers = [received.request.peer for received in core.hss.commands(user.impi)]
    assert peers == [
        "icscf2.ims.example",
        "scscf.ims.example",
        "icscf1.ims.example",
        "scscf.ims.example",
    ]
    assert core.hss.commands(user.impi)[2].result == SUBSEQUENT_REGISTRATION


def test_granted_life_is_what_was_asked_for(core, subscribe, register, edge):
    user = subscribe()

    response = register(user, expires=7)

    assert response.one("Contact") == f"<{user.contact(edge.authority)}>;expires=7"
    assert 5 <= core.scscf.contacts(user.impu)[user.contact(edge.authority)] <= 7
