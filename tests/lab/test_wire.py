"""What the S-CSCF received can be read back to the byte, and scripted answers are its own."""

from __future__ import annotations

import threading

import pytest

from lab.scripted import Behaviour, script, unscript
from lab.sip import Header, SipMessage, SipSyntaxError
from lab.wire import WireReader


ONE = b"ACK sip:a SIP/2.0\r\nVia: x\r\n\r\n"
TWO = b"BYE sip:b SIP/2.0\r\nVia: y\r\n\r\n"


def pieces(process, octets, size):
    """The log lines of a message, as the configuration writes them."""
    return [
        f" 1(2) NOTICE: <script>: WIRE {process}.{at}/{len(octets)} {octets[at : at + size].hex()}"
        for at in range(0, len(octets), size)
    ]


def test_messages_of_different_processes_may_mix():
    one, two = pieces("7.1", ONE, 16), pieces("8.1", TWO, 16)

    read = WireReader().read([one[0], two[0], "another line", two[1], one[1]])

    assert [message.method for message in read] == ["BYE", "ACK"]
    assert [message.to_bytes() for message in read] == [TWO, ONE]


def test_message_that_began_before_the_mark_is_left_out():
    one, two = pieces("7.1", ONE, 16), pieces("7.2", TWO, 16)

    assert [message.method for message in WireReader().read([one[1], *two])] == ["BYE"]


def test_what_is_no_message_is_not_passed_over():
    with pytest.raises(SipSyntaxError):
        WireReader().read(pieces("7.1", b"ACK sip:a\r\n\r\n", 500))


@pytest.mark.kamailio
def test_register_is_recorded_as_it_came(core, subscribe, register):
    """Behind one I-CSCF: its Via is on top, Max-Forwards and Request-URI are its too."""
    user = subscribe()
    mark = core.scscf.mark()
    odd = [("X-Folded", "one\r\n\ttwo"), ("x-TAIL", "  caf\xe9\t"), ("X-Percent", "%d $ru {")]

    register(user, headers=odd)
    (message,) = core.scscf.wire(since=mark)

    assert message.request_uri == core.scscf.uri
    assert len(message.all("Via")) == 2
    assert message.one("Max-Forwards") == "69"
    assert [Header(f"{name}: {value}") for name, value in odd] == list(message.headers[-4:-1])
    assert message.one("Authorization") == user.tna_credentials()


@pytest.mark.kamailio
def test_long_registers_are_recorded_whole_though_they_come_at_once(core, subscribe, edge):
    users = [subscribe() for _ in range(8)]
    mark = core.scscf.mark()
    filler = "x" * 12_000

    for user in users:
        given = [("Authorization", user.tna_credentials()), ("X-Filler", filler)]
        edge.send(edge.register(user, given), core.icscf_addresses[0])
    for user in users:
        message = core.scscf.wait_for_register(
            lambda m, user=user: user.impu in m.one("To"), since=mark
        )
        assert message.one("X-Filler") == filler


@pytest.mark.kamailio
def test_register_can_be_waited_for(core, subscribe, register):
    user = subscribe()
    later = threading.Timer(0.05, register, [user])

    later.start()
    message = core.scscf.wait_for_register(lambda m: user.impu in m.one("To"))
    later.join()

    assert message.one("Authorization") == user.tna_credentials()


@pytest.mark.kamailio
def test_register_that_does_not_come_is_missed(core):
    with pytest.raises(TimeoutError, match="no wanted REGISTER"):
        core.scscf.wait_for_register(lambda _: False, seconds=0.05)


@pytest.mark.kamailio
@pytest.mark.parametrize(
    ("behaviour", "number", "status", "header"),
    [
        (Behaviour.FORBID, 0, 403, None),
        (Behaviour.TOO_BRIEF, 3600, 423, ("Min-Expires", "3600")),
        (Behaviour.NO_OUTBOUND, 0, 439, None),
        # RFC 3261 16.7 step 6: the I-CSCF does not pass a 503 on.
        (Behaviour.OVERLOADED, 7, 500, None),
    ],
)
def test_scscf_answers_as_scripted(core, subscribe, register, behaviour, number, status, header):
    user, other = subscribe(), subscribe()

    core.scscf.script(user.impu, behaviour, number)
    response = register(user)

    assert response.status == status
    if header:
        assert response.one(header[0]) == header[1]
    assert not core.scscf.registered(user.impu)
    assert register(other).status == 200
    core.scscf.unscript(user.impu)
    assert register(user).status == 200


@pytest.mark.kamailio
def test_scscf_challenges_auth_done_as_scripted(core, subscribe, register):
    user = subscribe()
    core.scscf.script(user.impu, Behaviour.CHALLENGE)

    response = register(user)

    assert response.status == 401
    assert response.one("WWW-Authenticate").startswith('Digest realm="ims.example", nonce="')


@pytest.mark.kamailio
def test_scscf_is_silent_as_scripted(core, subscribe, register, edge):
    user = subscribe()
    mark = core.scscf.mark()
    core.scscf.script(user.impu, Behaviour.SILENT)

    request = edge.register(user, [("Authorization", user.tna_credentials())])
    edge.send(request, core.icscf_addresses[0])
    core.scscf.wait_for_register(lambda m: user.impu in m.one("To"), since=mark)

    with pytest.raises(TimeoutError):
        edge.receive(seconds=0.2)


@pytest.mark.kamailio
def test_scscf_grants_less_as_scripted_and_still_deregisters(core, subscribe, register, edge):
    user = subscribe()
    core.scscf.script(user.impu, Behaviour.SHORTEN, 60)

    assert register(user).one("Contact") == f"<{user.contact(edge.authority)}>;expires=60"
    assert 58 <= core.scscf.contacts(user.impu)[user.contact(edge.authority)] <= 60
    assert register(user, expires=0).status == 200
    core.scscf.wait_until_gone(user.impu)


@pytest.mark.kamailio
def test_icscf_answers_as_scripted(core, subscribe, register):
    user = subscribe()
    script(core.icscfs[0], user.impu, Behaviour.OVERLOADED, 7)

    refused = register(user)

    assert (refused.status, refused.one("Retry-After")) == (503, "7")
    assert register(user, to=core.icscf_addresses[1]).status == 200
    unscript(core.icscfs[0], user.impu)
    assert register(user).status == 200


def test_reader_takes_the_message_for_what_it_is():
    (message,) = WireReader().read(pieces("7.1", ONE, 5))

    assert message == SipMessage.parse(ONE)
