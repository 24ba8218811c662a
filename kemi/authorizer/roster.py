"""Which registrations stand, by identity, and how the core or the client ends many of them."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from typing import TYPE_CHECKING

from authorizer.reginfo import NotReginfoError, gone
from authorizer.rows import coded


if TYPE_CHECKING:
    from collections.abc import Iterable

    from authorizer.kamailio import Kamailio
    from authorizer.reginfo import Gone

CLOSED_BY_NETWORK = 1008
LATE_NEWS = 5
"Seconds that a NOTIFY may take."


class Roster:
    """Ids of registrations, which are `connection|IMPU`, by IMPU."""

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio
        self._ids: defaultdict[str, set[str]] = defaultdict(set)
        for key in kamailio.keys("ep_binding"):
            self.enter(key)
        self.tales = {"notify": self.notified, "star": self.all_left}
        "Who hears what, by the name that the native routes use."

    def enter(self, key: str) -> None:
        """Note that it stands."""
        self._ids[key.partition("|")[2]].add(key)

    def leave(self, key: str) -> None:
        """Note that it has ended."""
        impu = key.partition("|")[2]
        self._ids[impu].discard(key)
        if not self._ids[impu]:
            del self._ids[impu]

    def all_left(self, key: str) -> None:
        """End what else stands of an identity: its client has said Contact: *."""
        others = self._ids.get(key.partition("|")[2], set()) - {key}
        self._end(others, "client")

    def notified(self, body: str) -> None:
        """End what the core says it has ended (SX-11)."""
        try:
            news = gone(b64decode(body))
        except NotReginfoError as error:
            self._kamailio.warn(f"regevent.malformed why={error}")
            return
        for connection in self._end(
            [key for each in news for key in self._meant(each)], "network"
        ):
            # the core may tell of who leaves before it answers him
            if not any(self._kamailio.row(t, connection) for t in ("ep_flow", "ep_leaving")):
                self._kamailio.close(connection, CLOSED_BY_NETWORK, "registration ended")

    def _meant(self, news: Gone) -> list[str]:
        impu = coded(news.impu)
        if news.contact is None:
            return list(self._ids.get(impu, ()))
        holder = self._kamailio.row("ep_device", f"c|{impu}|{coded(news.contact)}")
        key = f"{holder}|{impu}"
        # the client let it end, and was back before this was here
        late = news.by_client and self._is_fresh(key)
        return [] if holder is None or late else [key]

    def _is_fresh(self, key: str) -> bool:
        """Tell whether it began or was renewed a moment ago."""
        given = self._kamailio.row("ep_life", key)
        _, left = self._kamailio.row_and_life("ep_binding", key)
        return int(given or 0) - left < LATE_NEWS

    def _end(self, keys: Iterable[str], cause: str) -> set[str]:
        """End these; return the connections that they were on."""
        ended = list(keys)
        for key in ended:
            self._kamailio.run(
                "EPCSCF_END_REGISTRATION", ep_id=key, ep_cause=cause, ep_order="", ep_silent=1
            )
        return {key.partition("|")[0] for key in ended}
