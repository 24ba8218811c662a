"""Who registers a pilot registers its range; a member is reached where the pilot is.

TS 23.228 4.3.3.2b, TS 29.228 6.1.1 to 6.1.4, RFC 5002, over the real I-CSCF, S-CSCF and HSS.
"""

from __future__ import annotations

import secrets

import pytest

from lab.cx import USER_UNKNOWN, Command
from lab.digest import answer_challenge
from lab.udp import UdpAgent, User


pytestmark = pytest.mark.kamailio


@pytest.fixture
def hall():
    """The name of a block that no other test has."""
    return f"hall{secrets.token_hex(4)}"


@pytest.fixture
def wildcard(hall):
    return f"sip:{hall}-!1[0-9]{{2}}!@ims.example"


@pytest.fixture
def pilot(subscribe, hall, wildcard):
    """The pilot of a block, which nobody has registered."""
    return subscribe(impus=(f"sip:{hall}@ims.example",), ranges=(wildcard,))


@pytest.fixture
def caller():
    with UdpAgent() as agent:
        yield agent


def call(core, caller, member):
    """Send a request for a member by an I-CSCF."""
    request = caller.request("MESSAGE", member, member, [("From", "<sip:x@ims.example>;tag=1")])
    caller.send(request, core.icscf_addresses[0])
    return request


@pytest.mark.req("S002-26")
def test_registering_the_pilot_registers_the_range(core, pilot, register, edge, hall, wildcard):
    response = register(pilot)

    assert response.status == 200
    contact = pilot.contact(edge.authority)
    assert core.scscf.contacts(wildcard).keys() == {contact}
    assert core.scscf.contacts(pilot.impu).keys() == {contact}
    # TS 24.229 5.4.1.2.2F: nobody can use a pattern as his identity
    assert response.one("P-Associated-URI") == f"<{pilot.impu}>"
    assert core.hss.locate(f"sip:{hall}-142@ims.example") == (core.scscf.uri, wildcard)


@pytest.mark.req("S002-26")
def test_a_pilot_with_a_password_registers_its_range_as_well(
    core, subscribe, edge, hall, wildcard
):
    """As a web server does, whom the core challenges by itself."""
    pilot = subscribe(impus=(f"sip:{hall}@ims.example",), ranges=(wildcard,), password="sesame")
    home, place = f"sip:{pilot.realm}", core.icscf_addresses[0]
    first = (
        f'Digest username="{pilot.impi}", realm="{pilot.realm}", nonce="", uri="{home}", '
        'response="", integrity-protected="tls-pending"'
    )
    challenged = edge.exchange(edge.register(pilot, [("Authorization", first)]), place)
    answer = answer_challenge(challenged.one("WWW-Authenticate"), pilot.impi, "sesame", home)
    second = edge.register(pilot, [("Authorization", answer)])

    assert edge.exchange(second, place).status == 200
    assert core.scscf.registered(wildcard)
    assert core.hss.locate(f"sip:{hall}-142@ims.example") == (core.scscf.uri, wildcard)


@pytest.mark.req("S002-26")
def test_the_range_ends_with_the_pilot(core, pilot, register, hall, wildcard):
    register(pilot)

    register(pilot, expires=0)

    core.scscf.wait_until_gone(wildcard)
    assert core.hss.locate(f"sip:{hall}-142@ims.example") is None


@pytest.mark.req("S002-26")
def test_the_pilot_may_be_ended_by_the_hss_with_its_range(core, pilot, register, wildcard):
    register(pilot)

    assert core.hss.terminate(pilot.impi) == 2001

    core.scscf.wait_until_gone(wildcard)
    core.scscf.wait_until_gone(pilot.impu)


@pytest.mark.req("S002-26")
@pytest.mark.parametrize(
    "to", ["{wildcard}", "sip:{hall}-142@ims.example", "sip:!.*!@ims.example"]
)
def test_a_pattern_or_a_member_is_never_registered(core, pilot, register, hall, wildcard, to):
    asked = User(pilot.impi, to.format(hall=hall, wildcard=wildcard))

    assert register(asked).status == 403
    commands = core.hss.commands(pilot.impi)
    assert [(each.request.command, each.result) for each in commands] == [
        (Command.USER_AUTHORIZATION, USER_UNKNOWN)
    ]


@pytest.mark.req("S002-37")
def test_a_member_is_reached_where_the_pilot_is(
    core, pilot, register, edge, caller, hall, wildcard
):
    register(pilot)
    member = f"sip:{hall}-142@ims.example"

    request = call(core, caller, member)
    arrived = edge.receive()

    assert arrived.request_uri == pilot.contact(edge.authority)
    assert arrived.one("P-Called-Party-ID") == f"<{member}>"
    assert arrived.one("Call-ID") == request.one("Call-ID")
    assert arrived.all("P-Profile-Key") == ()


@pytest.mark.req("S002-37")
def test_an_identity_of_its_own_wins_over_the_range(
    core, pilot, subscribe, register, edge, caller, hall
):
    distinct = subscribe(impus=(f"sip:{hall}-142@ims.example",))
    register(pilot)
    register(distinct)

    call(core, caller, distinct.impu)

    assert edge.receive().request_uri == distinct.contact(edge.authority)


@pytest.mark.req("S002-37")
@pytest.mark.parametrize(
    ("member", "status"),
    [
        ("sip:{}-142@ims.example", 480),
        ("sip:{}-242@ims.example", 604),
        ("sip:{}@ims.example", 480),
    ],
)
def test_nobody_is_reached_where_no_pilot_is_registered(core, pilot, caller, hall, member, status):
    uri = member.format(hall)
    request = caller.request("MESSAGE", uri, uri, [("From", "<sip:x@ims.example>;tag=1")])

    assert caller.exchange(request, core.icscf_addresses[0]).status == status


@pytest.mark.req("S002-37")
def test_a_stranger_names_no_range(core, pilot, register, edge, caller, hall, wildcard):
    """Only the I-CSCF's word is taken, and it takes away what others have said."""
    register(pilot)
    user = f"sip:{hall}-242@ims.example"
    claimed = [("From", "<sip:x@ims.example>;tag=1"), ("P-Profile-Key", f"<{wildcard}>")]

    by_icscf = caller.request("MESSAGE", user, user, claimed)
    past_it = caller.request("MESSAGE", user, user, claimed)

    assert caller.exchange(by_icscf, core.icscf_addresses[0]).status == 604
    assert (
        caller.exchange(past_it, ("127.0.0.1", int(core.scscf.uri.rpartition(":")[2]))).status
        == 480
    )
    assert not edge.pending()
