"""Two pages call each other, through edge and core, and hear each other.

Each has a tone of its own, so that what is heard says whose it is.
"""

from __future__ import annotations

import itertools

import pytest

from lab.deployment import EDGE_URL
from lab.waiting import wait_until
from tests.browser.tab import LIBRARIES


CALLER_HZ, CALLEE_HZ = 440, 1000
MIXED = [("jssip", "sipjs"), ("sipjs", "jssip")]
PACKETS = 25
"Half a second of audio."


@pytest.fixture
def registered(lab, open_tab, make_user):
    """Open and register a page with this library and this voice; return it and its user."""

    def open_one(library, hz):
        user = make_user()
        tab = open_tab(library=library, hz=hz)
        tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
        tab.wait_for("registered")
        return tab, user

    return open_one


@pytest.fixture
def talking(registered, libraries):
    """Caller and callee, who hear each other."""
    caller, _ = registered(libraries[0], CALLER_HZ)
    callee, called = registered(libraries[1], CALLEE_HZ)
    caller.call(called.impu)
    for tab in (caller, callee):
        tab.wait_for("talking")
    caller.wait_to_hear(CALLEE_HZ)
    callee.wait_to_hear(CALLER_HZ)
    return caller, callee


@pytest.fixture(params=list(itertools.product(LIBRARIES, repeat=2)), ids="-calls-".join)
def libraries(request):
    return request.param


@pytest.fixture
def library():
    """Both have one of their own."""


def token_of(tab):
    return tab.sent("REGISTER")[0].one("Authorization").removeprefix("Bearer ")


def ice_password_of(tab):
    (line,) = {
        line
        for entry in tab.wire("sent")
        for line in entry["text"].splitlines()
        if line.startswith("a=ice-pwd:")
    }
    return line.removeprefix("a=ice-pwd:")


@pytest.mark.req("S001-34", "S001-35", "S001-38")
def test_pages_talk_in_both_directions(lab, talking):
    """What each hears is the other's tone; the token of either is nowhere at the other."""
    for tab in talking:
        tab.wait_for_traffic(PACKETS)
        assert tab.traffic()["dtls"] == "connected"

    # one context of rtpengine for each leg; what the other page has said of its media is gone
    assert lab.media.sessions == 2
    for tab, other in itertools.permutations(talking):
        heard = [entry["text"] for entry in tab.wire("heard")]
        for secret in (token_of(other), ice_password_of(other)):
            assert [text for text in heard if secret in text] == []
    talking[0].hang_up()
    wait_until(lambda: lab.media.sessions == 0, seconds=5, what="end of the media")


@pytest.mark.req("S001-36")
@pytest.mark.parametrize("libraries", MIXED, ids="-calls-".join)
@pytest.mark.parametrize("who", [0, 1], ids=["caller", "callee"])
def test_either_holds_goes_on_and_hangs_up(talking, who):
    active, passive = talking[who], talking[1 - who]

    active.hold(held=True)
    passive.wait_for_silence()
    active.hold(held=False)
    talking[0].wait_to_hear(CALLEE_HZ)
    talking[1].wait_to_hear(CALLER_HZ)
    active.hang_up()
    for tab in talking:
        tab.wait_for("ended")

    reinvites = [request for request in active.sent("INVITE") if "tag=" in request.one("To")]
    assert len(reinvites) == 2
    assert [answer.status for answer in active.answers("BYE")] == [200]


@pytest.mark.req("S001-36")
@pytest.mark.parametrize("libraries", [("jssip", "jssip")], ids="-calls-".join)
def test_a_call_outlives_its_connection(lab, talking):
    """JsSIP keeps its call while it reconnects; SIP.js drops it by itself."""
    caller, callee = talking
    impi = caller.sent("REGISTER")[0].one("To").strip("<>").removeprefix("sip:")
    (connection,) = lab.edge.connections_of(impi)

    lab.edge.rpc("ws.close", connection)
    caller.wait_for("disconnected")
    callee.wait_to_hear(CALLER_HZ)
    caller.wind_until("registered", 2)
    caller.hang_up()

    for tab in talking:
        tab.wait_for("ended")
    assert caller.answers("BYE")[-1].status == 200


@pytest.mark.req("S001-35")
@pytest.mark.parametrize("libraries", [(name, name) for name in LIBRARIES], ids="-calls-".join)
def test_who_has_left_cannot_be_called(registered, libraries):
    """The tab is closed without a word: its flow is gone, and the caller is told at once."""
    caller, _ = registered(libraries[0], CALLER_HZ)
    callee, called = registered(libraries[1], CALLEE_HZ)
    callee.page.context.close()

    caller.call(called.impu)

    assert caller.wait_for("failed") == 430
