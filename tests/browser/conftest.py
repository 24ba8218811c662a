"""Real browsers before one real deployment."""

from __future__ import annotations

import secrets
import time

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playwright.sync_api import Browser, Page

from lab.deployment import EDGE_NAME, EDGE_URL, HOME, ORIGINS, Deployment, Wishes
from lab.subscribers import Subscription
from lab.udp import User
from tests.browser.chromium import chromium
from tests.browser.site import Site
from tests.browser.tab import LIBRARIES, Recorded, Tab


STRANGER = "https://stranger.example"
"An origin that no WWSF has."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Chromium and the real parts."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kamailio)
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment that all share. A part of it that ends by itself fails the run."""
    wishes = Wishes(edge={"EPCSCF_RETRY_AFTER": 1}, media=True)
    with Deployment(tmp_path_factory.mktemp("lab"), wishes) as deployment:
        yield deployment
        deployment.core.check_alive()


@pytest.fixture(scope="session")
def site(lab: Deployment) -> Iterator[Site]:
    """The web servers."""
    with Site(lab.server) as servers:
        yield servers


@pytest.fixture(scope="module")
def browser(lab: Deployment, site: Site) -> Iterator[Browser]:
    """One Chromium; its event loop must be gone before asynchronous tests of other modules."""
    hosts = [origin.removeprefix("https://") for origin in (*ORIGINS.values(), STRANGER)]
    places = {EDGE_NAME: lab.edge.plan.browser_port, **dict.fromkeys(hosts, site.port)}
    with chromium(places, lab.server.certificate) as running:
        yield running


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Each stock library in turn."""
    return str(request.param)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages, each in a profile of its own, that end with the test.

    *hz* is their voice, and *script* runs in them before anything else.
    """
    contexts = []

    def open_one(
        path: str, origin: str = ORIGINS["portal"], hz: int = 440, script: str = ""
    ) -> Page:
        context = browser.new_context()
        contexts.append(context)
        context.add_init_script(f"window.hz = {hz}; {script}")
        for name in ("recorder.js", "media.js"):
            context.add_init_script(path=Path(__file__).parent / "pages" / name)
        page = context.new_page()
        page.clock.install()
        page.goto(f"{origin}{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def open_tab(open_page: Callable[..., Page], library: str) -> Callable[..., Tab]:
    """Open pages with the library in them."""

    def open_one(origin: str = ORIGINS["portal"], library: str = library, hz: int = 440) -> Tab:
        page = open_page("/client.html", origin, hz)
        page.wait_for_function("() => window.ready")
        return Tab(page, library)

    return open_one


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    """One tab of the portal."""
    return open_tab()


@pytest.fixture
def make_user(lab: Deployment) -> Callable[[], User]:
    """Provision a subscriber whom no other test knows."""

    def provision() -> User:
        name = f"user-{secrets.token_hex(4)}"
        user = User(f"{name}@{HOME}", f"sip:{name}@{HOME}")
        lab.core.hss.provision(Subscription(impi=user.impi, impus=(user.impu,)))
        return user

    return provision


@pytest.fixture
def user(make_user: Callable[[], User]) -> User:
    """One such subscriber."""
    return make_user()


@pytest.fixture
def session(lab: Deployment, make_user: Callable[[], User]) -> Callable[..., dict[str, Any]]:
    """Say who is logged in, as a WWSF does; a new subscriber each time unless one is given."""

    def who(
        user: User | None = None, life: int = 3600, epcscf_uri: str = EDGE_URL, **claims: Any
    ) -> dict[str, Any]:
        user = user or make_user()
        expires_at = int(time.time()) + life
        claims = {"impi": user.impi, "exp": expires_at, **claims}
        return {
            "impu": user.impu,
            "impi": user.impi,
            "display_name": "Alice Example",
            "token": lab.issuers["portal"].token(**claims),
            "expires_at": expires_at,
            "epcscf_uri": epcscf_uri,
        }

    return who


@pytest.fixture
def wic(site: Site, open_page: Callable[..., Page]) -> Callable[..., Recorded]:
    """Open the page of `demo/wic` for whoever is logged in, one session after the other."""

    def open_for(
        *sessions: dict[str, Any], origin: str = ORIGINS["portal"], hz: int = 440, script: str = ""
    ) -> Recorded:
        site.sessions = iter(sessions)
        return Recorded(open_page("/wic/", origin, hz, script))

    return open_for
