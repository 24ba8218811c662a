"""What comes from the network's side: deregistrations, notifications, calls, breakdowns."""

from __future__ import annotations

import pytest

from lab.cx import USER_UNKNOWN, Command
from lab.hss import Fault
from lab.udp import UdpAgent


pytestmark = pytest.mark.kamailio


@pytest.fixture
def scscf_address(core):
    host, _, port = core.scscf.uri.removeprefix("sip:").rpartition(":")
    return host, int(port)


@pytest.fixture
def fault(core):
    """Let a command go wrong for the length of a test."""
    yield core.hss.set_fault
    for command in Command:
        core.hss.set_fault(command, None)


@pytest.fixture
def watch(core, scscf_address):
    """Subscribe to the registration of a user, as its eP-CSCF does; return what is notified."""
    agents = []

    def subscribe_to_reg(user):
        agent = UdpAgent()
        agents.append(agent)
        subscribe = agent.request(
            "SUBSCRIBE",
            user.impu,
            user.impu,
            [
                ("From", f"<sip:{agent.authority}>;tag=1"),
                ("Contact", f"<sip:{agent.authority}>"),
                ("P-Asserted-Identity", f"<{user.impu}>"),
                ("Event", "reg"),
                ("Accept", "application/reginfo+xml"),
                ("Expires", "600"),
            ],
        )
        accepted = agent.exchange(subscribe, scscf_address)

        def notified():
            request = agent.receive()
            agent.send(request.reply(200, "OK"), scscf_address)
            return request

        return accepted, notified

    yield subscribe_to_reg
    for agent in agents:
        agent.close()


@pytest.mark.parametrize("who", ["hss", "scscf"])
def test_network_ends_a_registration_and_says_so(core, subscribe, register, watch, who):
    user = subscribe(impus=(f"sip:{who}1@ims.example", f"sip:{who}2@ims.example"))
    register(user)
    accepted, notified = watch(user)
    first = notified()

    if who == "hss":
        assert core.hss.terminate(user.impi) == 2001
    else:
        core.scscf.deregister(user.impu)
    last = notified()

    assert accepted.status == 200
    assert (first.method, first.one("Event")) == ("NOTIFY", "reg")
    assert b'state="active"' in first.body
    assert b'state="terminated"' in last.body
    assert b'state="active"' not in last.body
    core.scscf.wait_until_gone(user.impu)
    core.scscf.wait_until_gone(f"sip:{who}2@ims.example")


def test_termination_by_the_hss_is_known_there(core, subscribe, register):
    user = subscribe()
    register(user)

    core.hss.terminate(user.impi)

    assert user.impi not in core.hss.registrations()


def test_stranger_may_not_watch_a_registration(subscribe, register, edge, scscf_address):
    user = subscribe()
    register(user)
    subscription = [("Contact", f"<sip:{edge.authority}>"), ("Event", "reg"), ("Expires", "60")]

    response = edge.exchange(
        edge.request("SUBSCRIBE", user.impu, user.impu, subscription), scscf_address
    )

    assert response.status == 403


def test_call_goes_by_service_route_to_the_contact_by_its_path(
    subscribe, register, edge, scscf_address
):
    caller, callee = subscribe(), subscribe()
    with UdpAgent() as other_edge:
        service_route = register(caller).one("Service-Route")
        register(callee, agent=other_edge)
        headers = [
            ("From", f"<{caller.impu}>;tag=1"),
            ("Route", service_route),
            ("Contact", f"<sip:{edge.authority}>"),
        ]
        invite = edge.request("INVITE", callee.impu, callee.impu, headers)
        edge.send(invite, scscf_address)
        arrived = other_edge.receive()
        other_edge.send(
            arrived.reply(200, "OK", [("Contact", f"<sip:{other_edge.authority}>")]),
            scscf_address,
        )
        answers = [edge.receive(), edge.receive()]

        assert arrived.request_uri == callee.contact(other_edge.authority)
        assert arrived.one("Route") == f"<sip:{other_edge.authority};lr>"
        assert arrived.one("P-Asserted-Identity") == f"<{caller.impu}>"
        assert scscf_address[0] in arrived.one("Record-Route")
        assert [answer.status for answer in answers] == [100, 200]


def test_call_from_outside_finds_the_scscf_by_the_icscf(core, subscribe, register, edge):
    user = subscribe()
    register(user)
    with UdpAgent() as outside:
        message = outside.request("MESSAGE", user.impu, user.impu)
        outside.send(message, core.icscf_addresses[1])
        arrived = edge.receive()

        assert arrived.request_uri == user.contact(edge.authority)


def test_nobody_answers_for_who_is_not_there(core, subscribe, edge):
    user = subscribe()

    absent = edge.exchange(edge.request("MESSAGE", user.impu, user.impu), core.icscf_addresses[0])
    stranger = "sip:nobody@ims.example"
    unknown = edge.exchange(edge.request("MESSAGE", stranger, stranger), core.icscf_addresses[0])

    assert (absent.status, unknown.status) == (480, 604)


@pytest.mark.req("S003-27")
def test_profile_that_the_hss_denies_is_403(core, subscribe, register, fault):
    user = subscribe()
    fault(Command.SERVER_ASSIGNMENT, Fault(result=USER_UNKNOWN))

    assert register(user).status == 403
    assert not core.scscf.registered(user.impu)


def test_late_hss_delays_one_registration_and_not_the_next(core, subscribe, register, fault):
    slow, quick = subscribe(), subscribe()
    fault(Command.SERVER_ASSIGNMENT, Fault(seconds_late=60))
    with UdpAgent() as waiting:
        request = waiting.register(slow, [("Authorization", slow.tna_credentials())])
        waiting.send(request, core.icscf_addresses[0])
        core.hss.wait_for(
            lambda each: (
                each.request.impi == slow.impi
                and each.request.command == Command.SERVER_ASSIGNMENT
            )
        )
        fault(Command.SERVER_ASSIGNMENT, None)

        assert register(quick).status == 200
        assert not core.scscf.registered(slow.impu)
        core.hss.hurry()
        assert waiting.receive().status == 200
