"""What JsSIP and SIP.js do when all goes well."""

from __future__ import annotations

import pytest

from lab.deployment import EDGE_URL


@pytest.mark.req("S001-2", "S003-17", "S004-10")
def test_a_page_registers_with_its_token(lab, tab, user):
    bearer = lab.bearer("portal", user.impi)
    since = lab.core.scscf.mark()

    tab.start(user.impu, EDGE_URL, bearer)
    tab.wait_for("registered")

    arrived = lab.core.scscf.wait_for_register(lambda m: user.impu in m.one("To"), since=since)
    assert tab.sent("REGISTER")[0].one("Authorization") == bearer
    assert 'integrity-protected="auth-done"' in arrived.one("Authorization")
    assert bearer.removeprefix("Bearer ") not in arrived.to_bytes().decode()
