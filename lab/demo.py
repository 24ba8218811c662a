"""`make run`: everything up on one machine, one WIC registered, one log until Ctrl-C.

Real parts throughout: Kamailio I-CSCF and S-CSCF, a Diameter HSS, the sidecar, and the
eP-CSCF as `kamailio.cfg` describes it. Nothing leaves loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import signal
import time

from pathlib import Path

from rich.console import Console
from rich.text import Text

from lab.child import Child
from lab.deployment import Deployment, Wishes
from lab.sip import SipMessage


ALICE = "sip:alice@ims.example"
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
LOOK_EVERY = 0.2
NOISE = (" INFO: ", " DEBUG: ", "WIRE ")
"Of Kamailio's logs; everything else of them is shown."

console = Console(highlight=False)


def main() -> None:
    """Bring everything up, show a registration, follow the logs."""
    options = _options()
    shutil.rmtree(options.run_dir, ignore_errors=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console.print(f"starting in {options.run_dir} …")
    started = time.monotonic()
    wishes = Wishes(browser_port=options.port)
    with contextlib.suppress(KeyboardInterrupt), Deployment(options.run_dir, wishes) as lab:
        console.print(f"up and healthy after {time.monotonic() - started:.1f} s\n")
        asyncio.run(_demonstrate(lab, once=options.once))
    console.print("\nall down")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--run-dir", type=Path, default=Path("run"), help="logs, keys, sockets")
    parser.add_argument("--port", type=int, default=8443, help="of the WSS door")
    parser.add_argument("--once", action="store_true", help="end after the registration")
    options = parser.parse_args()
    options.run_dir = options.run_dir.resolve()
    return options


async def _demonstrate(lab: Deployment, *, once: bool) -> None:
    async with await lab.connect() as wic:
        request = wic.register_request(ALICE, lab.bearer())
        _show("1. The browser sends, over WSS", _without_token(request))
        reply = await wic.ask(request)
        _show("2. The S-CSCF receives, as captured there", lab.core.scscf.wire()[-1])
        _show("3. The browser gets", reply)
        if reply.status != 200:
            raise SystemExit("not registered: see the logs in " + str(lab.run_dir))
        console.print(f"[bold green]{ALICE} is registered.[/]\n")
        _hint(lab)
        if not once:
            await _follow(lab)


def _without_token(request: SipMessage) -> SipMessage:
    token = request.one("Authorization").removeprefix("Bearer ")
    shown = str(request).replace(token, f"{token[:12]}… ({len(token)} characters)")
    return SipMessage.parse(shown.encode())


def _show(title: str, message: SipMessage) -> None:
    console.rule(title, align="left")
    console.print(Text(str(message).strip().replace("\r", "")), soft_wrap=True)
    console.print()


def _hint(lab: Deployment) -> None:
    ctl = f".venv/bin/epcscfctl --socket {lab.sidecar.admin_socket}"
    for line in (
        f"WSS door      {lab.url}   (CA: {lab.authority.certificate})",
        f"policy        {ctl} wwsf list",
        f"why refused   {ctl} explain",
    ):
        console.print(line, soft_wrap=True)
    console.print("\nOne log of all parts from here on; Ctrl-C ends everything.\n")


async def _follow(lab: Deployment) -> None:
    parts: list[Child] = [lab.edge, lab.sidecar, *lab.core.cscfs]
    width = max(len(part.name) for part in parts)
    marks = {part.name: part.log.mark() for part in parts}
    while True:
        for part, colour in zip(parts, COLOURS, strict=False):
            part.check_alive()
            place = part.log.mark()
            _print_lines(part, marks[part.name], Text(f"{part.name:{width}} ", colour))
            marks[part.name] = place
        await asyncio.sleep(LOOK_EVERY)


def _print_lines(part: Child, since: int, prefix: Text) -> None:
    for line in part.log.lines(since):
        if not any(mark in line for mark in NOISE):
            console.print(prefix.copy().append(line, "default"), soft_wrap=True)


if __name__ == "__main__":
    main()
