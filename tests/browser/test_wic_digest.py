"""The page for users of the network itself: name and password instead of a token."""

from __future__ import annotations

import pytest

from playwright.sync_api import expect

from lab.subscribers import Subscription
from tests.browser.phone_page import registered, status


PASSWORD = "in the lab"


@pytest.fixture(scope="module", autouse=True)
def both_ways(lab):
    """Pages of the portal may be used with digest, too."""
    lab.sidecar.ctl("wwsf", "update", "portal", "--credentials", "token-or-digest")
    yield
    lab.sidecar.ctl("wwsf", "update", "portal", "--credentials", "token")


@pytest.fixture
def subscriber(lab, user):
    """A user with a password in the core."""
    lab.core.hss.provision(Subscription(impi=user.impi, impus=(user.impu,), password=PASSWORD))
    return user


def sign_in(wic, name, password):
    wic.page.get_by_text("I have a name of the network itself").click()
    wic.page.get_by_label("Name").fill(name)
    wic.page.get_by_label("Password").fill(password)
    wic.page.get_by_role("button", name="Sign in to the network").click()


@pytest.mark.req("S002-12", "S002-14")
def test_a_name_of_the_network_registers_by_digest_at_once(lab, wic, subscriber):
    """The site is asked about nobody; the challenge is the core's, and the page answers it."""
    page = wic()
    expect(status(page)).to_have_text("Please sign in.")

    sign_in(page, subscriber.impi, PASSWORD)
    registered(page)

    first, second = page.sent("REGISTER")
    assert first.all("Authorization") == ()
    assert second.one("Authorization").startswith("Digest ")
    assert [answer.status for answer in page.answers("REGISTER")] == [401, 200]
    assert lab.core.scscf.registered(subscriber.impu)
    expect(page.page.locator("#remaining")).to_be_hidden()


def test_a_wrong_password_is_said_and_not_tried_again(wic, subscriber):
    page = wic()

    sign_in(page, subscriber.impi, "a guess")

    expect(status(page)).to_have_text("The network does not take this name with this password.")
    assert len(page.sent("REGISTER")) == 2


@pytest.mark.req("S002-12")
def test_a_name_of_elsewhere_is_not_taken_to_the_network(wic):
    page = wic()

    sign_in(page, "alice@flowers.example", PASSWORD)

    expect(status(page)).to_have_text("That is not a name of ims.example.")
    assert page.wire("opening") == []
