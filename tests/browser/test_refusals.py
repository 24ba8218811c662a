"""What JsSIP and SIP.js make of a refusal, and what the edge makes of that.

Both try again for ever as long as they are cut off, and fall silent where they are not.
"""

from __future__ import annotations

import time

import pytest

from lab.deployment import EDGE_URL
from tests.browser.conftest import STRANGER
from tests.browser.tab import cut


A_WHILE = 20_000
"Milliseconds: longer than all that the libraries wait before they try again."


def expired(lab, user):
    return lab.bearer("portal", user.impi, exp=int(time.time()) - 3600)


def of_too_little_scope(lab, user):
    return lab.bearer("portal", user.impi, scope="openid")


def of_somebody_else(lab, user):
    return lab.bearer("portal", "carol@ims.example")


@pytest.mark.req("S003-17", "S003-22")
@pytest.mark.parametrize(
    ("credential", "status"),
    [(expired, 401), (of_too_little_scope, 401), (of_somebody_else, 403)],
)
def test_a_token_that_does_not_hold_ends_the_socket(lab, tab, user, credential, status):
    since = lab.core.scscf.mark()

    tab.start(user.impu, EDGE_URL, credential(lab, user))

    assert tab.wait_for("refused") == status
    tab.wait_for("disconnected")
    assert tab.closed()[0] in cut(1008, "policy violation")
    assert "registered" not in tab.events()
    assert not any(user.impu in m.one("To") for m in lab.core.scscf.wire(since=since))


@pytest.mark.req("SX-22")
def test_whoever_goes_on_with_a_bad_token_is_slowed(lab, tab, user):
    """The second time the socket stays, and the library has nothing to react to."""
    tab.start(user.impu, EDGE_URL, of_too_little_scope(lab, user))
    tab.wait_for("refused")
    tab.wait_for("disconnected")
    tab.page.clock.fast_forward(A_WHILE)

    tab.wait_for_answers("REGISTER", 2)
    for _ in range(4):
        tab.page.clock.fast_forward(A_WHILE)
        tab.settle()

    assert len(tab.wire("opened")) == 2
    # of the SessionManager, one more try on an open socket
    assert len(tab.sent("REGISTER")) <= 3


@pytest.mark.req("S003-17")
def test_a_new_token_mends_a_refusal(lab, tab, user):
    tab.start(user.impu, EDGE_URL, of_too_little_scope(lab, user))
    tab.wait_for("disconnected")

    tab.renew(lab.bearer("portal", user.impi))
    tab.wind_until("registered")

    assert tab.answers("REGISTER")[-1].status == 200


@pytest.mark.req("S001-2")
def test_a_page_of_another_origin_does_not_get_in(lab, open_tab, user):
    tab = open_tab(STRANGER)

    tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
    tab.wait("() => window.wire.some(e => e.kind === 'closed')")

    assert tab.wire("opened") == []
    assert tab.closed()[0].code == 1006
