"""The operator's WAF, a site of each kind, and the eP-CSCF that their users register at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from playwright.sync_api import Browser, BrowserContext, Page

from lab import web
from lab.deployment import Deployment
from lab.wic import Wic
from tests.browser.chromium import chromium
from tests.web.visitor import Visitor
from tests.web.ways import leave


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the real parts."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kamailio)


@pytest.fixture(scope="session")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[web.WebSide]:
    """Everything up."""
    run_dir = tmp_path_factory.mktemp("web")
    wishes = replace(web.WISHES, edge={"EPCSCF_GRACE": 2})
    with Deployment(run_dir, wishes) as lab, web.WebSide(lab) as side:
        yield side


@pytest.fixture
def visit(side: web.WebSide) -> Callable[[str], Visitor]:
    """Open a site, by its name."""

    def at(name: str) -> Visitor:
        return Visitor(side.sites[name].origin, side.lab.trust())

    return at


@pytest.fixture
def connect(side: web.WebSide) -> Callable[[str], object]:
    """Open a WebSocket as a page of a site does."""

    async def from_page(name: str) -> Wic:
        lab = side.lab
        return await Wic.connect(lab.url, origin=side.sites[name].origin, ssl=lab.trust())

    return from_page


@pytest.fixture(scope="module")
def browser(side: web.WebSide) -> Iterator[Browser]:
    """One Chromium; its event loop must be gone before asynchronous tests of other modules."""
    with chromium({}, side.lab.server.certificate) as running:
        yield running


@pytest.fixture
def person(browser: Browser, side: web.WebSide) -> Iterator[Callable[..., Page]]:
    """Sit somebody before a site, in a browser of his own or in *where*; all leave in the end."""
    pages: list[Page] = []
    # who was here before has left for good: alice of one site is another user than of the next
    edge = side.lab.edge
    edge.wait_until(lambda: not edge.rows("ep_holder"), seconds=30, what="end of the others")

    def sit_down(kind: str, where: BrowserContext | None = None) -> Page:
        page = (where or browser.new_context()).new_page()
        pages.append(page)
        page.goto(side.sites[kind].origin)
        return page

    yield sit_down
    for page in pages:
        if page.get_by_role("button", name="Log out of this site").count():
            leave(page)
    for context in {page.context for page in pages}:
        context.close()
