"""The script of the core's side never raises into Kamailio, and says why it ended."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from cxrelay import relay
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import KEMI, NOW


@pytest.fixture
def ksr():
    return FakeKsr(clock=lambda: NOW)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def script(ksr, pauses, monkeypatch):
    monkeypatch.setitem(sys.modules, "KSR", ksr)
    spec = importlib.util.spec_from_file_location("cx_script", KEMI / "cx.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    return module.mod_init()


@pytest.mark.parametrize("role", ["scscf", "icscf"])
def test_each_cscf_has_its_work(script, ksr, pauses, monkeypatch, role):
    started = []
    monkeypatch.setattr(relay, f"run_{role}", started.append)

    assert script.child_init(0) == 0
    assert getattr(script, f"relay_{role}")(None) == 1

    assert (started, pauses, ksr.logged) == ([ksr], [], [])


def test_what_broke_is_logged_and_tried_again_a_little_later(script, ksr, pauses, monkeypatch):
    def breaks(_):
        raise OSError("address already in use")

    monkeypatch.setattr(relay, "run_scscf", breaks)

    assert script.relay_scscf(None) == -1

    assert pauses == [1.0]
    (line,) = ksr.logged
    assert line.startswith("err epcscf cx.died why=OSError: address already in use at _go:")


def test_a_wrong_place_is_named(script, ksr, pauses):
    ksr.definitions.update(CX_RELAY='"127.0.0.1:3869"')

    assert script.relay_icscf(None) == -1

    assert "no address with a port in CX_RELAY" in ksr.logged[0]
