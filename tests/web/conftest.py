"""The operator's WAF, a site of each kind, and the eP-CSCF that their users register at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import web
from lab.deployment import Deployment
from lab.wic import Wic
from tests.web.visitor import Visitor


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
