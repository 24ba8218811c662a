"""A site put together from its settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import Route

from demo.wwsf.answers import RELEASED
from demo.wwsf.app import Wwsf, callback_of
from demo.wwsf.grants import Delegated, Lending, Tokens, TokenSource, Vouching
from demo.wwsf.pool.shelf import Shelf
from demo.wwsf.released import ReleasedDesk
from demo.wwsf.waf import WafClient
from epcscfd.store.engine import make_engine


if TYPE_CHECKING:
    from starlette.applications import Starlette

    from demo.wwsf.settings import Pool, Site


async def open_site(site: Site) -> Starlette:
    """Make the application of *site*, with its pool stocked."""
    waf = WafClient(site.waf, callback_of(site))
    if site.pool is None:
        by_kind: dict[str, TokenSource] = {
            "own": Vouching(waf),
            "operator": Delegated(waf),
            "third_party": Delegated(waf),
        }
        return Wwsf(site, waf, Tokens(by_kind[site.kind], waf)).app()
    shelf = await _open_shelf(site.pool)
    lending = Lending(waf, shelf)
    return Wwsf(site, waf, Tokens(lending, waf)).app(*_hearing(site, lending))


def _hearing(site: Site, lending: Lending) -> list[Route]:
    """Give the route by which the eP-CSCF tells what is released, if it is to."""
    if site.released_secret_file is None:
        return []
    secret = Path(site.released_secret_file).read_bytes().strip()
    return [Route(RELEASED, ReleasedDesk(secret, lending.released).take, methods=["POST"])]


async def _open_shelf(pool: Pool) -> Shelf:
    shelf = Shelf(make_engine(pool.url), pool.terms())
    await shelf.open()
    await shelf.stock(pool.stock(), datetime.now(UTC))
    return shelf
