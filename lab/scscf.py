"""The lab's S-CSCF as tests see it: what it received, whom it knows, what it shall answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.cscf import write_barred
from lab.kamailio import Kamailio
from lab.scripted import Behaviour, script, unscript
from lab.sip import SipMessage
from lab.waiting import wait_until
from lab.wire import WireReader


class Scscf:
    """Watches and directs the Kamailio that plays the S-CSCF; `process` is that Kamailio."""

    def __init__(self, process: Kamailio, uri: str) -> None:
        self.process = process
        self.uri = uri

    def rpc(self, method: str, *params: str | int) -> Any:
        """Return the result of a JSON-RPC command."""
        return self.process.rpc(method, *params)

    def mark(self) -> int:
        """Return a place in what was received, for `since`."""
        return self.process.log.mark()

    def wire(self, method: str = "REGISTER", since: int = 0) -> list[SipMessage]:
        """Return the requests *method* received after the mark *since*.

        Retransmissions are there as well; OPTIONS to the S-CSCF itself are not.
        """
        messages = WireReader().read(self.process.log.lines(since))
        return [message for message in messages if message.method == method]

    def wait_for_register(
        self,
        wanted: Callable[[SipMessage], bool],
        *,
        seconds: float = 5.0,
        since: int = 0,
    ) -> SipMessage:
        """Return the first REGISTER after *since* that is *wanted*, past or to come.

        Raise TimeoutError when none came for *seconds*.
        """
        reader = WireReader()

        def find(line: str) -> SipMessage | None:
            message = reader.feed(line)
            if message is None or message.method != "REGISTER" or not wanted(message):
                return None
            return message

        what = "wanted REGISTER at the S-CSCF"
        return self.process.log.wait_for(find, seconds=seconds, what=what, since=since)

    def contacts(self, impu: str) -> dict[str, int]:
        """Return the contact URIs of *impu*, each with its life in seconds."""
        row = self.rpc("ulscscf.showimpu", impu)
        return {uri: contact["expires"] for uri, contact in row.get("contacts", {}).items()}

    def registered(self, impu: str) -> bool:
        """Tell whether *impu* has a contact."""
        return bool(self.contacts(impu))

    def wait_until_gone(self, impu: str, seconds: float = 5.0) -> None:
        """Wait until *impu* has no contact; its timer looks once a second."""
        what = f"end of the registration of {impu}"
        wait_until(lambda: not self.registered(impu), seconds=seconds, what=what)

    def deregister(self, impu: str) -> None:
        """End the registration of *impu* and its implicit set from the network's side.

        The HSS does not hear of it; for that, see `Hss.terminate`.
        """
        self.rpc("regscscf.dereg_impu", impu)

    def bar(self, entities: Mapping[str, str]) -> None:
        """Bar *entities*, with a reason each, and nobody else; as an operator does, by a file."""
        write_barred(self.process.launch.run_dir, entities)
        self.rpc("htable.reload", "sc_barred")

    def forget_admitted(self, impi: str) -> None:
        """Lose what the HSS has said of whom a subscription admits."""
        self.rpc("htable.delete", "sc_admitted", impi)

    def script(
        self, impu: str, behaviour: Behaviour, number: int = 0, method: str = "REGISTER"
    ) -> None:
        """Let requests *method* with *impu* in To be answered so, until `unscript`."""
        script(self.process, impu, behaviour, number, method)

    def unscript(self, impu: str, method: str = "REGISTER") -> None:
        """Let the S-CSCF judge by itself again."""
        unscript(self.process, impu, method)
