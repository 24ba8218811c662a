"""One core for the folder, started when first wanted; every test uses users of its own."""

from __future__ import annotations

import itertools

import pytest

from lab.core import ImsCore, Plan
from lab.subscribers import Subscription
from lab.udp import UdpAgent, User


STRANGER = "127.0.0.66"
"Another node on loopback, from which no eP-CSCF may register anybody."


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    with ImsCore(tmp_path_factory.mktemp("core"), plan=Plan()) as running:
        yield running
        running.check_alive()


@pytest.fixture(scope="session")
def numbers():
    return itertools.count(1)


@pytest.fixture
def subscribe(core, numbers):
    """Provision a subscriber nobody has used before; return it as a User."""

    def provision(**deviations):
        impi = f"user{next(numbers)}@ims.example"
        parts = {"impi": impi, "impus": (f"sip:{impi}",), **deviations}
        core.hss.provision(Subscription(**parts))
        return User(parts["impi"], parts["impus"][0])

    return provision


@pytest.fixture
def edge():
    with UdpAgent() as agent:
        yield agent


@pytest.fixture
def stranger():
    with UdpAgent(STRANGER) as agent:
        yield agent


@pytest.fixture
def register(core, edge):
    """Register as an eP-CSCF does after it has judged a token; return the response."""

    def tna_register(user, *, headers=(), expires=600, agent=edge, to=None, more=""):
        given = [("Authorization", user.tna_credentials(more)), *headers]
        request = agent.register(user, given, expires)
        return agent.exchange(request, to or core.icscf_addresses[0])

    return tna_register


@pytest.fixture
def vouch(register):
    """Register a user on the word of an entity, given as the parameter's value."""

    def attempt(user, entity, *, quoted=None, **more):
        value = f'"{entity}"' if quoted is None else quoted
        return register(user, more=f", authorization-entity={value}", **more)

    return attempt


@pytest.fixture
def bar(core):
    """Bar entities for the time of the test."""

    def barring(*entities):
        core.scscf.bar(dict.fromkeys(entities, "suspected: of a breach"))

    yield barring
    barring()
