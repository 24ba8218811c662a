"""Refresh tokens in any order, over weeks: the newest counts, and an older one ends all."""

from __future__ import annotations

import asyncio
import shutil
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from epcscfd.directory.passwords import Passwords
from epcscfd.store.engine import make_engine
from tests.adapters.conftest import Kept, Told
from tests.adapters.waf.browsing import Browser, Waf
from tests.adapters.waf.conftest import QUICK, Shop
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 86_400

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.sampled_from([0, 0, 0, 1, 5])),
        st.tuples(st.just("wait"), st.integers(1, 12)),
        st.tuples(st.just("redeem"), st.just(0)),
    ),
    min_size=3,
    max_size=10,
)
"What a client does: shows the newest refresh token but so many, waits days, or the code again."


async def live(database: Path, secret: str, steps: Iterable[tuple[str, int]]) -> None:
    """Do *steps*, and hold every answer against what ought to be."""
    engine = make_engine(f"sqlite+aiosqlite:///{database}")
    kept, clock = Kept(engine, Told()), FrozenClock()
    await kept.board.refresh()
    waf = Waf(kept, clock, Passwords(QUICK))
    await waf.signer.keep()
    shop = Shop(waf, secret)
    code = await Browser(waf).get_code()
    newest = (await shop.redeem(code)).json()
    refreshing = [newest["refresh_token"]]
    ended, days = False, 0
    for what, count in steps:
        if what == "wait":
            clock.advance(count * DAY)
            days += count
            continue
        if what == "redeem":
            answer, good = await shop.redeem(code), False
            ended = True
        else:
            shown = max(0, len(refreshing) - 1 - count)
            answer = await shop.refresh(refreshing[shown])
            good = shown == len(refreshing) - 1 and not ended and days < 30
            ended = ended or shown < len(refreshing) - 1
        assert (answer.status_code == 200) == good, (what, count, answer.text)
        if good:
            newest = answer.json()
            refreshing.append(newest["refresh_token"])
        assert (await shop.introspect(newest["access_token"]))["active"] == (not ended and good)
    await engine.dispose()


@settings(max_examples=12)
@given(steps=STEPS)
def test_the_newest_counts_and_an_older_one_ends_all(
    provisioned: tuple[Path, str], steps: list[tuple[str, int]]
) -> None:
    database, secret = provisioned
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(database, directory)
        asyncio.run(live(Path(copy), secret, steps))
