"""Whatever ends a connection, JsSIP and SIP.js are back by themselves."""

from __future__ import annotations

import pytest

from lab.deployment import EDGE_URL
from tests.browser.tab import cut


@pytest.fixture
def registered(lab, tab, user):
    """A tab whose user is registered, with its clock in our hands."""
    tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
    tab.wait_for("registered")
    return tab


def test_a_page_that_was_cut_off_is_back(lab, registered, user):
    (connection,) = lab.edge.connections_of(user.impi)

    lab.edge.rpc("ws.close", connection)
    registered.wait_for("disconnected")
    registered.wind_until("registered", 2)

    assert len(lab.core.scscf.contacts(user.impu)) == 1
    assert registered.answers("REGISTER")[-1].status == 200


def test_all_pages_are_back_after_a_restart(lab, open_tab, make_user):
    """No page is refused for good while the edge starts."""
    tabs = {make_user(): open_tab() for _ in range(3)}
    for user, tab in tabs.items():
        tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
        tab.wait_for("registered")

    lab.edge.stop()
    for tab in tabs.values():
        tab.wait_for("disconnected")
        tab.settle()
    lab.edge.start()
    lab.edge.wait_for_policy()
    for tab in tabs.values():
        tab.wind_until("registered", 2)

    assert [len(lab.core.scscf.contacts(user.impu)) for user in tabs] == [1] * 3


@pytest.mark.req("SX-17")
def test_a_page_that_was_put_off_is_back(lab, tab, user):
    """It is told to wait, which it does not heed, and is sent away when it may come back."""
    lab.sidecar.stop()
    lab.edge.wait_until(lambda: not lab.edge.asks, seconds=10, what="end of the sidecar")
    try:
        tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
        assert tab.wait_for("refused") == 503
        tab.hold_clock()
    finally:
        lab.sidecar.start()
    lab.edge.wait_until(lambda: lab.edge.asks, seconds=10, what="sidecar")
    tab.wait_for("disconnected")

    tab.wind_until("registered")

    assert tab.closed()[0] in cut(1013, "try again later")
    assert int(tab.answers("REGISTER")[0].one("Retry-After")) > 0
