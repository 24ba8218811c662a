"""What JsSIP and SIP.js do when all goes well.

Time in a page can be wound forward, so that refreshes are seen at once; the eP-CSCF and the
core have the real time, and their registrations last.
"""

from __future__ import annotations

import pytest

from lab.deployment import EDGE_URL


TEN_MINUTES = 600_000
"Milliseconds; as long as the registrations here, so that every library has refreshed."


@pytest.fixture
def arrived(lab, user):
    """Wait for the user's next REGISTER at the S-CSCF."""
    place = lab.core.scscf.mark()

    def next_one():
        nonlocal place
        since, place = place, lab.core.scscf.mark()
        return lab.core.scscf.wait_for_register(lambda m: user.impu in m.one("To"), since=since)

    return next_one


@pytest.fixture
def registered(lab, tab, user, arrived):
    """A tab whose user is registered, its clock in our hands, and the credential it used."""
    bearer = lab.bearer("portal", user.impi)
    tab.start(user.impu, EDGE_URL, bearer)
    tab.wait_for("registered")
    return tab, bearer


@pytest.mark.req("S001-2", "S003-17", "S004-10")
def test_a_page_registers_with_its_token(lab, registered, arrived):
    tab, bearer = registered

    at_core = arrived()

    assert tab.sent("REGISTER")[0].one("Authorization") == bearer
    assert 'integrity-protected="auth-done"' in at_core.one("Authorization")
    assert bearer.removeprefix("Bearer ") not in at_core.to_bytes().decode()


def test_a_page_refreshes_with_the_token_it_has(lab, registered, user):
    """Nobody is asked about it: the verdict is known at the edge."""
    tab, bearer = registered
    judged = len(lab.sidecar.events("register.decided"))

    tab.page.clock.fast_forward(TEN_MINUTES)
    tab.wait_for_answers("REGISTER", 2)

    first, refresh = tab.sent("REGISTER")
    assert refresh.one("Authorization") == bearer
    assert (refresh.one("Call-ID"), refresh.one("Contact")) == (
        first.one("Call-ID"),
        first.one("Contact"),
    )
    assert [answer.status for answer in tab.answers("REGISTER")] == [200, 200]
    assert len(lab.sidecar.events("register.decided")) == judged
    assert len(lab.core.scscf.contacts(user.impu)) == 1


@pytest.mark.req("S003-17")
def test_a_new_token_renews_on_the_same_socket(lab, registered, arrived, user):
    tab, _ = registered
    arrived()
    renewed = lab.bearer("portal", user.impi)

    tab.renew(renewed)
    tab.wait_for_answers("REGISTER", 2)
    tab.page.clock.fast_forward(TEN_MINUTES)
    tab.wait_for_answers("REGISTER", 3)

    sent = [request.one("Authorization") for request in tab.sent("REGISTER")[1:]]
    assert sent == [renewed, renewed]
    assert [answer.status for answer in tab.answers("REGISTER")] == [200] * 3
    assert len(tab.wire("opened")) == 1
    assert len(lab.core.scscf.contacts(user.impu)) == 1


@pytest.mark.req("S001-31")
def test_tabs_of_one_user_register_side_by_side(lab, open_tab, user):
    """Two tabs, each with a token of its own; closing one leaves the other."""
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
        tab.wait_for("registered")
    assert len(lab.core.scscf.contacts(user.impu)) == 2

    tabs[0].page.context.close()
    tabs[1].renew(lab.bearer("portal", user.impi))
    tabs[1].wait_for_answers("REGISTER", 2)

    assert tabs[1].answers("REGISTER")[-1].status == 200


@pytest.mark.req("SX-13")
def test_a_page_ends_its_registration(lab, registered, user):
    tab, _ = registered

    tab.unregister()
    tab.wait_for_answers("REGISTER", 2)

    assert tab.answers("REGISTER")[-1].status == 200
    lab.core.scscf.wait_until_gone(user.impu)
