"""One whole deployment for all scenarios that leave it as they found it.

Those that kill, freeze or fill something bring up their own (`own_lab`).
"""

from __future__ import annotations

import contextlib

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.deployment import Deployment, Wishes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the real parts."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.kamailio)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment that all share; a part of it that ends by itself fails the run."""
    with Deployment(tmp_path_factory.mktemp("lab")) as deployment:
        yield deployment
        deployment.core.check_alive()


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Callable[[Wishes | None], Deployment]]:
    """Make deployments that end with the test."""
    with contextlib.ExitStack() as running:

        def make(wishes: Wishes | None = None) -> Deployment:
            return running.enter_context(Deployment(tmp_path, wishes))

        yield make
