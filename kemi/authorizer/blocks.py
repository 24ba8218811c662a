"""Blocks of web servers: what the native routes know of them (routes/block.cfg), and tell.

What becomes of a registration is said to the sidecar at once, and on each stream again until a
view shows that it was heard. So it is lost only if this node dies first, and then the web server
registers again.
"""

from __future__ import annotations

import json
import time

from base64 import b64decode
from typing import TYPE_CHECKING

from authorizer.reginfo import NotReginfoError, wildcards
from authorizer.rows import bare, coded
from authorizer.standing import text
from epcscf.control.v1 import blocks_pb2
from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import registrations_pb2 as told


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from authorizer.kamailio import Kamailio

BLOCK_TABLES = ("ep_block", "ep_block_range")
REGISTERED = "ep_registered"
SECOND = 1_000_000
"In microseconds."
IN_CORE = blocks_pb2.BlockAccount.REGISTRATION
MODES = {blocks_pb2.BlockAccount.STATIC: "S", IN_CORE: "R"}
"Of the control contract. A block of a mode that it does not know yet is left out."


class Blocks:
    """Hears what the sidecar knows, and says what it does not know yet."""

    def __init__(self, kamailio: Kamailio, say: Callable[[pb.FromEdge], None]) -> None:
        self._kamailio = kamailio
        self._say = say
        self._unheard: dict[str, blocks_pb2.BlockNews] = {}
        "By WWSF: the latest of each is enough."
        self._pilots: dict[str, blocks_pb2.BlockAccount] = {}

    def listen(self, tales: dict[str, Callable[[str], None]]) -> None:
        """Be among those who hear *tales*, by kind; a NOTIFY is heard after whoever does now."""
        others = tales["notify"]

        def notified(body: str) -> None:
            others(body)
            self.notified(body)

        tales.update({"block": self.told, "notify": notified})

    def told(self, tale: str) -> None:
        """Say what a native route has told: `WWSF|account|seconds.microseconds|until|cause`."""
        wwsf, account, moment, until, cause = tale.split("|")
        seconds, microseconds = moment.split(".")
        news = blocks_pb2.BlockNews(
            wwsf=wwsf,
            account=text(account),
            told_at=int(seconds) * SECOND + int(microseconds),
            registered_until=int(until),
            cause=told.Cause.Value(f"CAUSE_{(cause or 'unspecified').upper()}"),
        )
        self._tell(news)

    def notified(self, body: str) -> None:
        """Say which ranges the core has registered with a pilot, if a NOTIFY names some."""
        try:
            active, ranges = wildcards(b64decode(body))
        except NotReginfoError:
            # who looks for what has ended warns of it
            return
        for account in [self._pilots[each] for each in active & self._pilots.keys() if ranges]:
            known, left = self._kamailio.row_and_life(REGISTERED, account.wwsf)
            if known is not None:
                now = time.time()
                news = blocks_pb2.BlockNews(
                    wwsf=account.wwsf,
                    account=account.account,
                    told_at=int(now * SECOND),
                    registered_until=int(now) + left,
                    confirmed_ranges=ranges,
                )
                self._tell(news)

    def _tell(self, news: blocks_pb2.BlockNews) -> None:
        self._unheard[news.wwsf] = news
        self._say(pb.FromEdge(block=news))

    def connected(self) -> None:
        """Say again what may not have been heard."""
        for news in self._unheard.values():
            self._say(pb.FromEdge(block=news))

    def replace(self, accounts: Iterable[blocks_pb2.BlockAccount]) -> None:
        """Let blocks be registered for as long as the sidecar says."""
        known = {account.wwsf: account for account in accounts}
        in_core = (account for account in known.values() if account.mode == IN_CORE)
        self._pilots = {account.pilot: account for account in in_core}
        for wwsf, news in list(self._unheard.items()):
            account = known.get(wwsf)
            if account is None or _has_heard(account, news):
                del self._unheard[wwsf]
        for wwsf in self._kamailio.keys(REGISTERED):
            if wwsf not in known:
                self._kamailio.drop(REGISTERED, wwsf)
        for wwsf in known.keys() - self._unheard.keys():
            self._set(known[wwsf])

    def _set(self, account: blocks_pb2.BlockAccount) -> None:
        seconds = account.registered_until - int(time.time())
        if seconds > 0:
            self._kamailio.keep(REGISTERED, account.wwsf, coded(account.account), seconds)
        else:
            self._kamailio.drop(REGISTERED, account.wwsf)


def _has_heard(account: blocks_pb2.BlockAccount, news: blocks_pb2.BlockNews) -> bool:
    """Tell whether there is nothing more to say: it was heard, or is of a block of before."""
    return account.told_at >= news.told_at or account.account != news.account


def block_tables(accounts: Iterable[blocks_pb2.BlockAccount]) -> dict[str, dict[str, str]]:
    """Write what the native routes read."""
    known = [account for account in accounts if account.mode in MODES]
    return {
        "ep_block": {account.pilot: _row(account) for account in known},
        "ep_block_range": {
            f"{account.wwsf}|{json.dumps(each, ensure_ascii=False)}": str(number)
            for account in known
            for number, each in enumerate(account.ranges)
        },
    }


def _row(account: blocks_pb2.BlockAccount) -> str:
    fields = (
        account.wwsf,
        MODES[account.mode],
        coded(account.impi),
        coded(account.realm),
        account.ha1,
        ",".join(account.client_certificates),
        ",".join(account.addresses),
        coded(account.account),
        str(len(account.ranges)),
    )
    return "|".join(map(bare, fields))
