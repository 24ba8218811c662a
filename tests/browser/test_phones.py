"""Pages and plain phones call each other: DTLS-SRTP here, RTP there, PCMU for both.

The phone sends back what it hears, so a page that hears its own tone has been heard.
"""

from __future__ import annotations

import pytest

from lab.deployment import EDGE_URL
from lab.echo import EchoPhone


HZ = 700
PACKETS = 25
"Half a second of audio."


@pytest.fixture
def registered(lab, open_tab, user):
    """A page with its user registered."""
    tab = open_tab(hz=HZ)
    tab.start(user.impu, EDGE_URL, lab.bearer("portal", user.impi))
    tab.wait_for("registered")
    return tab


@pytest.mark.req("S001-34", "S001-36")
def test_a_page_calls_a_phone(lab, registered, make_user, tmp_path):
    phone = EchoPhone(tmp_path, make_user(), lab.core)
    phone.register()
    with phone:
        registered.call(phone.user.impu)
        registered.wait_for("talking")
        registered.wait_to_hear(HZ)
        registered.wait_for_traffic(PACKETS)
        registered.hang_up()
        phone.finish()

    registered.wait_for("ended")


@pytest.mark.req("S001-35", "S001-36")
def test_a_phone_calls_a_page_and_hangs_up(lab, registered, make_user, user, tmp_path):
    """It hangs up at the press of a key, which is a request within the call as well."""
    with EchoPhone(tmp_path, make_user(), lab.core, calls=user.impu) as phone:
        registered.wait_for("talking")
        registered.wait_to_hear(HZ)
        registered.wait_for_traffic(PACKETS)
        registered.press_key()
        phone.finish()

    registered.wait_for("ended")
