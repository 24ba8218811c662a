"""The twin without us is the same Kamailio, less what is ours."""

from __future__ import annotations

from bench.footprint import without_us
from lab.edge import ROOT


CONFIGURATION = (ROOT / "kamailio.cfg").read_text()


def test_nothing_of_ours_is_left():
    twin = without_us(CONFIGURATION)

    assert "app_python3" not in twin
    assert "include_file" not in twin
    assert "route(EPCSCF" not in twin


def test_everything_else_stays():
    theirs = [line for line in CONFIGURATION.splitlines() if "loadmodule" in line]
    kept = [line for line in without_us(CONFIGURATION).splitlines() if "loadmodule" in line]

    assert len(kept) == len(theirs) - 1
    assert 'sl_send_reply("200", "OK");' in without_us(CONFIGURATION)
    assert "event_route[xhttp:request] { exit; }" in without_us(CONFIGURATION)
