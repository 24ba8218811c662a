"""`make run`: everything up on one machine, one WIC registered, one log until Ctrl-C.

Real parts throughout: Kamailio I-CSCF and S-CSCF, a Diameter HSS, the sidecar, the eP-CSCF as
`kamailio.cfg` describes it, rtpengine, the WAF, and web sites to call from. Nothing leaves
loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import signal
import time

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from lab.certificates import pin
from lab.child import Child
from lab.deployment import Deployment
from lab.sip import SipMessage
from lab.web import PASSWORDS, PLANS, WISHES, WebSide


CAROL = "carol@ims.example"
"She has no account at any site; those who have are left to whoever sits before them."
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red", "bright_cyan", "bright_green")
LOOK_EVERY = 0.2
HOW = {
    "own": "logs its users in, and vouches for them",
    "operator": "the operator's own",
    "third_party": "its users let it use their numbers",
    "pool": "lends numbers of its own, also to guests",
}
"By kind of site."

OF_A_RANGE = "the same; its numbers are a range that ends at the eP-CSCF"

NOISE = (" INFO: ", " DEBUG: ", "WIRE ")
"Of Kamailio's logs; everything else of them is shown."

ENDING = (signal.SIGINT, signal.SIGTERM)

console = Console(highlight=False)


def main() -> None:
    """Bring everything up, show a registration, follow the logs."""
    options = _options()
    shutil.rmtree(options.run_dir, ignore_errors=True)
    for number in ENDING:
        signal.signal(number, _interrupt_once)
    console.print(f"starting in {options.run_dir} …")
    started = time.monotonic()
    with (
        contextlib.suppress(KeyboardInterrupt),
        Deployment(options.run_dir, replace(WISHES, browser_port=options.port)) as lab,
        WebSide(lab, range(options.port + 1, options.port + 2 + len(PLANS))) as web,
    ):
        console.print(f"up and healthy after {time.monotonic() - started:.1f} s\n")
        asyncio.run(_demonstrate(lab))
        _hint(web)
        if not options.once:
            _follow(lab, web)
    console.print("\nall down")


def _interrupt_once(*_: object) -> NoReturn:
    """End, and let nothing disturb that: make passes on what the terminal has sent us already."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--run-dir", type=Path, default=Path("run"), help="logs, keys, sockets")
    parser.add_argument(
        "--port", type=int, default=8443, help="of the WSS door; those of the web side follow"
    )
    parser.add_argument("--once", action="store_true", help="end after the registration")
    options = parser.parse_args()
    options.run_dir = options.run_dir.resolve()
    return options


async def _demonstrate(lab: Deployment) -> None:
    async with await lab.connect() as wic:
        request = wic.register_request(f"sip:{CAROL}", lab.bearer(impi=CAROL))
        _show("1. The browser sends, over WSS", _without_token(request))
        reply = await wic.ask(request)
        _show("2. The S-CSCF receives, as captured there", lab.core.scscf.wire()[-1])
        _show("3. The browser gets", reply)
        if reply.status != 200:
            raise SystemExit("not registered: see the logs in " + str(lab.run_dir))
        console.print(f"[bold green]sip:{CAROL} is registered.[/]\n")


def _without_token(request: SipMessage) -> SipMessage:
    token = request.one("Authorization").removeprefix("Bearer ")
    shown = str(request).replace(token, f"{token[:12]}… ({len(token)} characters)")
    return SipMessage.parse(shown.encode())


def _show(title: str, message: SipMessage) -> None:
    console.rule(title, align="left")
    console.print(Text(str(message).strip().replace("\r", "")), soft_wrap=True)
    console.print()


def _hint(web: WebSide) -> None:
    lab = web.lab
    console.rule("Call from your browser", align="left")
    for name, plan in PLANS.items():
        how = OF_A_RANGE if plan.ranges else HOW[plan.kind]
        console.print(f"{plan.title:18}{web.sites[name].origin}/   {how}", soft_wrap=True)
    users = ", ".join(f"{name} ({password})" for name, password in PASSWORDS.items())
    where = "one in each of two browsers, or two sites in two tabs"
    console.print(f"\n{'users':18}{users}: {where}", soft_wrap=True)
    console.print(f"{'':18}log out at one site before you use the same number at another")
    browser = f"chromium --user-data-dir={lab.run_dir}/NAME"
    trust = f"--ignore-certificate-errors-spki-list={pin(lab.server.certificate)}"
    ctl = f".venv/bin/epcscfctl --socket {lab.sidecar.admin_socket}"
    for what, line in (
        ("certificates", f"trust {lab.authority.certificate}, or"),
        ("", f"{browser} {trust}"),
        ("who is there", f"{ctl} registrations list"),
        ("why refused", f"{ctl} explain"),
        ("policy", f"{ctl} wwsf list"),
    ):
        console.print(f"{what:18}{line}", soft_wrap=True)
    console.print("\nOne log of all parts from here on; Ctrl-C ends everything.\n")


def _follow(lab: Deployment, web: WebSide) -> None:
    parts: list[Child] = [lab.edge, lab.sidecar, *lab.core.cscfs, web.waf, web.wwsfs]
    width = max(len(part.name) for part in parts)
    marks = {part.name: part.log.mark() for part in parts}
    while True:
        for part, colour in zip(parts, COLOURS, strict=False):
            part.check_alive()
            place = part.log.mark()
            _print_lines(part, marks[part.name], Text(f"{part.name:{width}} ", colour))
            marks[part.name] = place
        time.sleep(LOOK_EVERY)


def _print_lines(part: Child, since: int, prefix: Text) -> None:
    for line in part.log.lines(since):
        if not any(mark in line for mark in NOISE):
            console.print(prefix.copy().append(line, "default"), soft_wrap=True)


if __name__ == "__main__":
    main()
