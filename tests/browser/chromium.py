"""Chromium as the tests start it: headless, quiet, with a microphone that beeps.

Names of the lab lead to loopback, so pages have the Origins and the edge has the name that
the policy knows. Nothing is trusted but the one key of the lab's servers.
"""

from __future__ import annotations

import shutil

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from lab.certificates import pin


QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
MEDIA = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # a machine without a network has no other candidates
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)


@contextmanager
def chromium(places: Mapping[str, int], certificate: Path) -> Iterator[Browser]:
    """Run one Chromium, with a profile of its own that goes with it.

    *places* are names of servers and their ports on loopback, *certificate* is theirs.
    """
    rules = ", ".join(f"MAP {name}:443 127.0.0.1:{port}" for name, port in places.items())
    flags = [
        *QUIET,
        *MEDIA,
        f"--host-resolver-rules={rules}",
        f"--ignore-certificate-errors-spki-list={pin(certificate)}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False, args=flags
        )
        yield browser
        browser.close()
