from __future__ import annotations

import asyncio
import importlib.util
import json
import locale
import subprocess
import sys

from pathlib import Path

import pytest

from authorizer import process as process_module
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import KEMI, NOW


DEFINITIONS = {
    # Quoted, as the C side gives strings.
    "EPCSCF_SITE": '"/nowhere/a:/nowhere/b"',
    "EPCSCF_SIDECAR": '"unix:/run/epcscf/control.sock"',
    "EPCSCF_NODE": '"edge1"',
}


@pytest.fixture
def ksr():
    return FakeKsr(clock=lambda: NOW, definitions=DEFINITIONS)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def script(ksr, pauses, monkeypatch):
    """Kamailio imports it as `epcscf`; here that name is the stubs'."""
    monkeypatch.setitem(sys.modules, "KSR", ksr)
    monkeypatch.setattr("sys.path", sys.path[:])
    spec = importlib.util.spec_from_file_location("epcscf_script", KEMI / "epcscf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    ours = locale.setlocale(locale.LC_CTYPE)
    yield module
    # the script sets that of its process, which here is that of all tests
    locale.setlocale(locale.LC_CTYPE, ours)


@pytest.fixture
def runs(monkeypatch):
    """Replace the authorizer's work; return what it was started with."""
    started = []

    def put(work):
        def run(*arguments):
            started.append(arguments)
            work()

        monkeypatch.setattr(process_module, "run", run)
        return started

    return put


def breaking(error):
    def work():
        raise error

    return work


def test_kamailio_gets_an_object_and_numbers(ksr, script):
    handler = script.mod_init()

    assert handler is not None
    assert [handler.child_init(rank) for rank in (0, -1, -2, -4, 1, 1000)] == [0] * 6
    assert ksr.logged == []


def test_the_authorizer_is_run_with_what_the_configuration_defines(ksr, script, runs, pauses):
    started = runs(lambda: None)

    assert script.mod_init().authorize(None) == 1
    assert started == [(ksr, "unix:/run/epcscf/control.sock", "edge1")]
    assert {"/nowhere/a", "/nowhere/b"} <= set(sys.path)
    assert pauses == []


def test_folders_are_added_once(script, runs):
    runs(lambda: None)
    handler = script.mod_init()
    handler.authorize(None)
    handler.authorize(None)

    assert sys.path.count("/nowhere/a") == 1


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(),
        MemoryError(),
        SystemExit(0),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
        ExceptionGroup("two", [ValueError(), OSError()]),
        BaseExceptionGroup("one", [KeyboardInterrupt()]),
    ],
    ids=repr,
)
def test_whatever_breaks_kamailio_gets_a_number_after_a_pause(ksr, script, runs, pauses, error):
    runs(breaking(error))

    assert script.mod_init().authorize(None) == -1
    assert pauses == [script.RESTART_PAUSE]
    assert [line.count("authorizer.died") for line in ksr.logged] == [1]


def test_what_cannot_even_be_read_breaks_no_more(ksr, script, runs, pauses, monkeypatch):
    """A definition that is no UTF-8 is such a thing."""
    runs(lambda: None)
    monkeypatch.setattr(ksr.pv, "get", lambda _: b"\xff".decode())

    assert script.mod_init().authorize(None) == -1
    assert "UnicodeDecodeError" in ksr.logged[0]


def test_the_log_tells_what_broke_inside_and_where(ksr, script, runs):
    def rotten():
        raise LookupError

    async def both():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.sleep(9))
            tasks.create_task(asyncio.to_thread(rotten))

    runs(lambda: asyncio.run(both()))
    script.mod_init().authorize(None)

    assert "why=LookupError " in ksr.logged[0]
    assert " rotten:" in ksr.logged[0]


def test_the_log_names_a_module_that_is_missing_and_where_it_was_looked_for(ksr, script, runs):
    runs(breaking(ModuleNotFoundError(name="grpc")))
    script.mod_init().authorize(None)

    assert "module=grpc " in ksr.logged[0]
    assert "/nowhere/a:/nowhere/b" in ksr.logged[0]


@pytest.mark.req("SX-3")
@pytest.mark.parametrize(
    "error",
    [
        ValueError("Bearer t0ken"),
        KeyError("t0ken"),
        ImportError("t0ken\n"),
        ExceptionGroup("t0ken", [ValueError("t0ken")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_log_of_a_dying_authorizer_names_no_value(ksr, script, runs, error):
    def work():
        token = "t0ken"
        raise error from LookupError(token)

    runs(work)
    script.mod_init().authorize(None)

    assert len(ksr.logged) == 1
    assert "t0ken" not in ksr.logged[0]
    assert ksr.logged[0].count("\n") == 1


AS_KAMAILIO_DOES = """
import json, sys
from tests.fakes.ksr import FakeKsr

kemi, site = sys.argv[1:]
ksr = sys.modules["KSR"] = FakeKsr(lambda: 0.0, {"EPCSCF_SITE": site})
sys.path.insert(0, kemi)
import epcscf
epcscf.RESTART_PAUSE = 0
handler = epcscf.mod_init()
handler.child_init(1)
heavy = sorted({"asyncio", "grpc", "google.protobuf"} & set(sys.modules))
ksr.mqueue.fault = RuntimeError("so far, so good")
print(json.dumps({"heavy": heavy, "returned": handler.authorize(None), "logged": ksr.logged}))
"""


def test_script_and_stubs_share_their_name():
    """With -S, nothing but EPCSCF_SITE tells where gRPC and the stubs are."""
    root = KEMI.parent
    site = f"{Path(pytest.__file__).parents[1]}:{root / 'build' / 'stubs'}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", AS_KAMAILIO_DOES, str(KEMI), site],
        check=True,
        capture_output=True,
        cwd=root,
        text=True,
    )
    told = json.loads(done.stdout)

    assert told["heavy"] == []
    assert told["returned"] == -1
    # It came as far as the queue.
    (line,) = told["logged"]
    assert "why=RuntimeError " in line
    assert " fetch:" in line
