"""One whole deployment for all scenarios that leave it as they found it.

Those that kill, freeze or fill something bring up their own (`own_lab`).
"""

from __future__ import annotations

import contextlib
import secrets
import ssl

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.deployment import HOME, PARTNERS, Deployment, Wishes
from lab.phone import Phone
from lab.sip import SipMessage
from lab.subscribers import Subscription
from lab.udp import UdpAgent, User
from lab.wic import Wic
from tests.scenarios.core_by_hand import DOMAIN, CoreByHand
from tests.scenarios.evidence import OWN, sections_of
from tests.scenarios.handshake import Answer, knock
from tests.scenarios.leaks import leaks, write_filtered


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the real parts."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kamailio)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Show what the parts of a failed test were writing."""
    report = yield
    if report.failed:
        report.sections.extend(sections_of(item))
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment that all share.

    A part of it that ends by itself fails the run, and so does a token in a log (SX-3).
    """
    # what clients leave behind is gone before it is more than one answer by RPC can hold
    wishes = Wishes(edge={"EPCSCF_GRACE": 5})
    with Deployment(tmp_path_factory.mktemp("lab"), wishes) as deployment:
        yield deployment
        deployment.core.check_alive()
        quoted = deployment.edge.log.path
        logs = {*deployment.run_dir.rglob("log"), write_filtered(quoted, quoted.parent / "less")}
        tokens = [token for issuer in deployment.issuers.values() for token in issuer.issued]
        assert leaks(tokens, logs - {quoted}) == []


@pytest.fixture
def own_lab(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[Wishes | None], Deployment]]:
    """Make deployments that end with the test."""
    made = request.node.stash.setdefault(OWN, [])
    with contextlib.ExitStack() as running:

        def make(wishes: Wishes | None = None) -> Deployment:
            made.append(Deployment(tmp_path, wishes))
            return running.enter_context(made[-1])

        yield make


@pytest.fixture(scope="module")
def ask(lab: Deployment) -> Callable[..., Answer]:
    """Knock at the browser door, believing its certificate unless told otherwise."""

    def knock_there(request: bytes, context: ssl.SSLContext | None = None) -> Answer:
        return knock(lab.edge.plan.browser_port, request, context or lab.trust())

    return knock_there


@pytest.fixture
def subscribe(lab: Deployment) -> Callable[..., User]:
    """Provision a subscriber whom no other test knows."""

    def provision(realm: str = HOME, **deviations: Any) -> User:
        name = f"user-{secrets.token_hex(4)}"
        known = {"impi": f"{name}@{realm}", "impus": (f"sip:{name}@{HOME}",), "wafs": PARTNERS}
        parts = {**known, **deviations}
        lab.core.hss.provision(Subscription(**parts))
        return User(parts["impi"], parts["impus"][0])

    return provision


@pytest.fixture
def user(subscribe: Callable[..., User]) -> User:
    """One such subscriber."""
    return subscribe()


@pytest.fixture
async def wic(lab: Deployment, user: User) -> AsyncIterator[Wic]:
    """A WIC at which that subscriber is registered."""
    async with await lab.connect() as opened:
        assert (await opened.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        yield opened


@pytest.fixture
async def phone(lab: Deployment, subscribe: Callable[..., User]) -> AsyncIterator[Phone]:
    """A plain phone of the same network, with a subscriber of its own."""
    async with Phone.registered(subscribe().impu, lab.core) as opened:
        yield opened


@pytest.fixture
def at_core(lab: Deployment) -> Callable[[Wic], list[SipMessage]]:
    """Tell which REGISTERs of a WIC have arrived at the S-CSCF since the test began."""
    since = lab.core.scscf.mark()

    def arrived(wic: Wic) -> list[SipMessage]:
        messages = lab.core.scscf.wire("REGISTER", since)
        return [message for message in messages if message.one("Call-ID") == wic.call_id]

    return arrived


@pytest.fixture(scope="session")
def next_hop_by_hand(lab: Deployment) -> Iterator[CoreByHand]:
    """A core that stays, since Kamailio takes a new next hop every five seconds at most."""
    with UdpAgent() as agent:
        core = CoreByHand(agent, lab.edge)
        core.serve(lab.sidecar)
        yield core


@pytest.fixture
def core_by_hand(next_hop_by_hand: CoreByHand) -> CoreByHand:
    """A core that answers what the test says, for users of scripted.example."""
    next_hop_by_hand.refresh()
    return next_hop_by_hand


@pytest.fixture
def impi_by_hand() -> str:
    """An IMPI of the domain of that core, which no other test uses."""
    return f"user-{secrets.token_hex(4)}@{DOMAIN}"


@pytest.fixture
def registers(core_by_hand):
    """Register with a core that takes every identity by itself: no implicit set."""

    async def register(wic, impu, bearer, expires=600):
        asked = wic.register_request(impu, bearer, expires=expires)
        await wic.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])
        return (await wic.answer(asked)).status

    return register
