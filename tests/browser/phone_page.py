"""The page of `demo/wic` as a person reads it."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.tab import PATIENCE, Recorded


READY = "You can call and be called."


def status(wic: Recorded) -> Locator:
    """The line that says how the registration is."""
    return wic.page.locator("#status")


def registered(wic: Recorded) -> Recorded:
    """Wait until it says that it is registered."""
    expect(status(wic)).to_have_text(READY, timeout=PATIENCE * 1000)
    return wic
