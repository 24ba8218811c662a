"""The HSS answers Cx by the book, tells what it was asked, and goes wrong on demand."""

from __future__ import annotations

import time

from xml.etree import ElementTree as ET

import pytest

from lab.cx import (
    ALLOWED_WAF_WWSF_IDENTITIES,
    AUTHORIZATION_REJECTED,
    FIRST_REGISTRATION,
    IDENTITIES_DONT_MATCH,
    IDENTITY_NOT_REGISTERED,
    REFUSED,
    ROAMING_NOT_ALLOWED,
    SUBSEQUENT_REGISTRATION,
    SUCCESS,
    USER_DATA,
    USER_UNKNOWN,
    WAF_NAME,
    WWSF_NAME,
    Assignment,
    Command,
    CxRequest,
)
from lab.cx_desk import CxDesk
from lab.diameter import RESULT_CODE, Avp, Message
from lab.diameter_peer import DEVICE_WATCHDOG
from lab.hss import Fault, Hss
from lab.ranges import expression_of
from lab.subscribers import Subscription, read_subscriptions
from tests.lab.diameter_client import ME, SERVER, Client, server_assignment


ALICE = "alice@ims.example"
SIP_ALICE = "sip:alice@ims.example"


def a_subscription(**deviations):
    return Subscription(**{"impi": ALICE, "impus": (SIP_ALICE,), **deviations})


@pytest.fixture
def hss():
    with Hss([a_subscription(wafs=("waf1", "waf2"), wwsfs=("wwsf1",))]) as running:
        yield running


@pytest.fixture
def client(hss):
    with Client(hss) as connected:
        yield connected


def names(answer):
    """The lists of AVP 656 as (code, name, M bit)."""
    groups = [avp for avp in answer.avps if avp.code == ALLOWED_WAF_WWSF_IDENTITIES]
    return [(m.code, m.value, m.mandatory) for group in groups for m in (group, *group.value)]


@pytest.mark.req("S000-15")
def test_names_come_with_the_profile_and_without_the_m_bit(client):
    answer = client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION))

    assert answer.get(RESULT_CODE) == 2001
    assert [name for name in names(answer) if name[0] != ALLOWED_WAF_WWSF_IDENTITIES] == [
        (WAF_NAME, "waf1", False),
        (WAF_NAME, "waf2", False),
        (WWSF_NAME, "wwsf1", False),
    ]
    assert names(answer)[0][2] is False
    profile = ET.fromstring(answer.get(USER_DATA))
    assert profile.tag == "IMSSubscription"
    assert profile.findtext("PrivateID") == ALICE
    assert profile.findtext("ServiceProfile/PublicIdentity/Identity") == SIP_ALICE


@pytest.mark.req("S000-15")
def test_names_do_not_come_without_the_profile(client):
    known = server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION, has_profile=True)

    answer = client.ask(known)

    assert (answer.get(RESULT_CODE), answer.get(USER_DATA), names(answer)) == (2001, None, [])


def test_profile_escapes_and_marks_what_is_barred(hss, client):
    odd = "sip:a&b<c>@ims.example"
    hss.provision(a_subscription(impus=(odd, SIP_ALICE), barred=frozenset({odd})))

    answer = client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION))

    identities = ET.fromstring(answer.get(USER_DATA)).iter("PublicIdentity")
    assert [(i.findtext("Identity"), i.findtext("BarringIndication")) for i in identities] == [
        (odd, "1"),
        (SIP_ALICE, None),
    ]


def test_base_protocol_is_answered(client):
    watchdog = client.ask(Message(DEVICE_WATCHDOG, 0, ME.origin(), hop_by_hop=3, end_to_end=4))

    assert client.capabilities.get(RESULT_CODE) == 2001
    assert (watchdog.get(RESULT_CODE), watchdog.is_request) == (2001, False)
    assert (watchdog.hop_by_hop, watchdog.end_to_end) == (3, 4)


def test_message_that_comes_in_pieces_is_one_message(client):
    octets = Message(DEVICE_WATCHDOG, 0, ME.origin()).to_bytes()
    for octet in octets:
        client.send(bytes([octet]))

    assert client.receive().get(RESULT_CODE) == 2001


def test_avp_without_content_is_never_sent():
    with pytest.raises(ValueError, match="AVP 1 is empty"):
        Message(Command.SERVER_ASSIGNMENT, 1, (Avp(1, ""),)).to_bytes()


def test_refusal_on_demand_registers_nobody(hss, client):
    hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(result=REFUSED))

    answer = client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION))

    assert answer.result == 5012
    assert hss.registrations() == {}
    hss.set_fault(Command.SERVER_ASSIGNMENT, None)
    assert client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION)).result == 2001
    assert hss.registrations() == {ALICE: SERVER}
    assert [received.result for received in hss.commands(ALICE)] == [REFUSED, SUCCESS]


def test_late_answer_comes_when_it_is_due(hss, client):
    hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(seconds_late=0.1))
    asked = time.monotonic()

    answer = client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION))

    assert answer.result == 2001
    assert time.monotonic() - asked >= 0.1


def test_late_answer_holds_up_nobody_else(hss, client):
    hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(seconds_late=60))
    client.send(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION).to_bytes())

    assert client.ask(Message(DEVICE_WATCHDOG, 0, ME.origin())).command == DEVICE_WATCHDOG
    hss.hurry()
    assert client.receive().command == Command.SERVER_ASSIGNMENT


def test_silence_on_demand_is_noted(hss, client):
    hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(silent=True))
    client.send(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION).to_bytes())

    received = hss.wait_for(lambda each: each.request.impi == ALICE)

    assert received.result is None
    assert client.ask(Message(DEVICE_WATCHDOG, 0, ME.origin())).command == DEVICE_WATCHDOG


def test_command_that_does_not_come_is_missed(hss):
    with pytest.raises(TimeoutError, match=r"no MAR at the HSS within 0\.01 s"):
        hss.wait_for(lambda _: False, seconds=0.01, what="MAR")


def test_stopped_it_hangs_up_and_started_again_it_remembers(hss, client):
    client.ask(server_assignment(ALICE, SIP_ALICE, Assignment.REGISTRATION))

    hss.stop()
    assert client.receive() is None
    hss.start()

    with Client(hss) as again:
        assert again.capabilities.get(RESULT_CODE) == 2001
    assert hss.registrations() == {ALICE: SERVER}


def test_only_the_registered_can_be_terminated(hss):
    with pytest.raises(LookupError, match=r"alice@ims\.example is not registered"):
        hss.terminate(ALICE)


UAR, LIR = Command.USER_AUTHORIZATION, Command.LOCATION_INFO


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"command": UAR}, FIRST_REGISTRATION, id="known pair"),
        pytest.param({"command": UAR, "impi": "x@y"}, USER_UNKNOWN, id="unknown IMPI"),
        pytest.param({"command": UAR, "impu": "sip:x@y"}, USER_UNKNOWN, id="unknown IMPU"),
        pytest.param(
            {"command": UAR, "impu": "sip:bob@ims.example"}, IDENTITIES_DONT_MATCH, id="mixed"
        ),
        pytest.param(
            {"command": UAR, "impi": "bob@ims.example", "impu": "sip:bob@ims.example"},
            AUTHORIZATION_REJECTED,
            id="all barred",
        ),
        pytest.param(
            {"command": UAR, "deregisters": True}, IDENTITY_NOT_REGISTERED, id="nothing to end"
        ),
        pytest.param(
            {"command": UAR, "visited_network": "far.example"}, ROAMING_NOT_ALLOWED, id="far away"
        ),
        pytest.param({"command": LIR, "impi": None}, IDENTITY_NOT_REGISTERED, id="not there"),
        pytest.param({"command": LIR, "impi": None, "impu": "sip:x@y"}, USER_UNKNOWN, id="nobody"),
        pytest.param({"command": 999}, REFUSED, id="unknown command"),
    ],
)
def test_desk_answers_before_anybody_is_registered(asked, expected):
    desk = CxDesk(
        [
            a_subscription(visited_networks=frozenset({"ims.example"})),
            Subscription(
                impi="bob@ims.example",
                impus=("sip:bob@ims.example",),
                barred=frozenset({"sip:bob@ims.example"}),
            ),
        ]
    )
    parts = {"impi": ALICE, "impu": SIP_ALICE, "visited_network": "ims.example", **asked}

    assert desk.answer(CxRequest(peer="x", **parts)).result == expected


@pytest.mark.parametrize(
    ("impu", "expected"),
    [
        ("sip:room-101@ims.example", SUCCESS),
        ("sip:room-201@ims.example", USER_UNKNOWN),
        ("sip:room-1010@ims.example", USER_UNKNOWN),
        ("sip:room-101@imsxexample", USER_UNKNOWN),
        ("sip:room-102@ims.example", IDENTITY_NOT_REGISTERED),
    ],
)
def test_desk_finds_members_of_a_range_that_are_nobody_s_by_themselves(impu, expected):
    desk = CxDesk([a_subscription(impus=("sip:room-102@ims.example",))])
    desk.serve(expression_of(["tel:+49!.*!", "sip:room-!1[0-9]{2}!@ims.example"]), SERVER)

    assert desk.answer(CxRequest(LIR, "x", None, impu)).result == expected


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (Assignment.NO_ASSIGNMENT, True),
        (Assignment.RE_REGISTRATION, True),
        (Assignment.USER_DEREGISTRATION_STORE_SERVER_NAME, True),
        (Assignment.TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME, True),
        (Assignment.USER_DEREGISTRATION, False),
        (Assignment.TIMEOUT_DEREGISTRATION, False),
        (Assignment.ADMINISTRATIVE_DEREGISTRATION, False),
        (Assignment.AUTHENTICATION_FAILURE, False),
        (Assignment.DEREGISTRATION_TOO_MUCH_DATA, False),
    ],
)
def test_desk_keeps_the_server_name_as_told(kind, stays):
    desk = CxDesk([a_subscription()])
    sar = {"command": Command.SERVER_ASSIGNMENT, "peer": "x", "impi": ALICE, "impu": SIP_ALICE}
    desk.answer(CxRequest(**sar, assignment=Assignment.REGISTRATION, server_name=SERVER))

    desk.answer(CxRequest(**sar, assignment=kind, server_name=SERVER))

    assert desk.registrations() == ({ALICE: SERVER} if stays else {})
    expected = SUBSEQUENT_REGISTRATION if stays else FIRST_REGISTRATION
    assert desk.answer(CxRequest(UAR, "x", ALICE, SIP_ALICE)).result == expected


def test_subscribers_are_read_from_a_file(tmp_path):
    path = tmp_path / "subscribers.toml"
    path.write_text(
        "[[subscription]]\n"
        f'impi = "{ALICE}"\nimpus = ["{SIP_ALICE}"]\nwafs = ["waf1"]\npassword = "p"\n'
    )

    assert read_subscriptions(path) == [a_subscription(wafs=("waf1",), password="p")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("colour = 1", "colour"),
        ("impus = []", "no public identity"),
        ('barred = ["sip:x@y"]', "bars foreign"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, line, message):
    path = tmp_path / "subscribers.toml"
    impus = "" if line.startswith("impus") else f'impus = ["{SIP_ALICE}"]\n'
    path.write_text(f'[[subscription]]\nimpi = "{ALICE}"\n{impus}{line}\n')

    with pytest.raises(ValueError, match=rf"subscribers\.toml: .*{message}"):
        read_subscriptions(path)
