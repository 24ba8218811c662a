"""A home subscriber server for the lab: Cx over Diameter, watched and disturbed at will.

* It answers by the book (`lab.cx_desk`), unless a `Fault` is set for a command.
* Every command received is kept, with the result that was sent, in order.
* It ends registrations from the network's side (RTR), and pushes what has changed (PPR).

`python -m lab.hss SUBSCRIBERS.toml` runs it alone.
"""

from __future__ import annotations

import argparse
import threading

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from lab.cx import (
    CX,
    DEREGISTRATION_REASON,
    PUBLIC_IDENTITY,
    REASON_CODE,
    REASON_INFO,
    SERVER_NAME,
    SUCCESS,
    WILDCARDED_PUBLIC_IDENTITY,
    Command,
    CxAnswer,
    CxRequest,
    Deregistration,
    Result,
    allowed_names_avp,
)
from lab.cx_desk import CxDesk
from lab.diameter import (
    AUTH_SESSION_STATE,
    DESTINATION_HOST,
    DESTINATION_REALM,
    NO_STATE_MAINTAINED,
    SESSION_ID,
    USER_NAME,
    VENDOR_3GPP,
    Avp,
    Identity,
    Message,
    application_avp,
)
from lab.diameter_peer import DiameterNode, Reply
from lab.ports import free_port
from lab.running import until_told
from lab.subscribers import Subscription, read_subscriptions


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a command: it is refused, late, or never answered."""

    result: Result | None = None
    "Sent instead of the right answer; nothing is registered or deregistered then."
    seconds_late: float = 0.0
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A command and how it was answered; None: not answered."""

    request: CxRequest
    result: Result | None

    def __str__(self) -> str:
        asked = self.request
        kind = "" if asked.assignment is None else f" {asked.assignment.name}"
        said = "silence" if self.result is None else str(self.result.code)
        command = Command(asked.command).name
        return f"{asked.peer}: {command}{kind} {asked.impi} {asked.impu}: {said}"


class Hss:
    """Holds the subscriptions, serves Cx on a TCP port, remembers what was asked."""

    def __init__(
        self,
        subscriptions: Iterable[Subscription] = (),
        realm: str = "ims.example",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        self._desk = CxDesk(subscriptions)
        self._identity = Identity(f"hss.{realm}", realm)
        self._node = DiameterNode(self._identity, CX, self._receive)
        self._received: list[Received] = []
        self._news = threading.Condition()
        self._faults: dict[Command, Fault] = {}
        self._late: dict[threading.Timer, Callable[[], None]] = {}
        self._sessions = 0

    def start(self) -> Self:
        """Listen for the CSCFs."""
        self._node.start(self.host, self.port)
        return self

    def stop(self) -> None:
        """Close all connections; subscriptions and registrations stay for the next start."""
        for timer in list(self._late):
            timer.cancel()
        self._late.clear()
        self._node.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def provision(self, *subscriptions: Subscription) -> None:
        """Add subscriptions; one with a known IMPI replaces the older one."""
        for subscription in subscriptions:
            self._desk.provision(subscription)

    def serve(self, expression: str, server: str) -> None:
        """Have the S-CSCF *server* serve all public identities that match, registered or not."""
        self._desk.serve(expression, server)

    def registrations(self) -> dict[str, str]:
        """Return which IMPIs are registered, each with the name of its S-CSCF."""
        return self._desk.registrations()

    def locate(self, impu: str) -> tuple[str, str | None] | None:
        """Return who serves *impu*, and which wildcarded identity it is a member of, if any.

        None if nobody serves it. What an I-CSCF hears.
        """
        asked = CxRequest(Command.LOCATION_INFO, self._identity.host, impu=impu)
        answer = self._desk.answer(asked)
        if answer.result != SUCCESS:
            return None
        named = {avp.code: str(avp.value) for avp in answer.avps}
        return named[SERVER_NAME], named.get(WILDCARDED_PUBLIC_IDENTITY)

    def set_fault(self, command: Command, fault: Fault | None) -> None:
        """Let *command* go wrong from now on; None ends that."""
        if fault is None:
            self._faults.pop(command, None)
        else:
            self._faults[command] = fault

    def hurry(self) -> None:
        """Send now what faults hold back."""
        for timer, send in list(self._late.items()):
            timer.cancel()
            send()

    def commands(self, impi: str | None = None) -> list[Received]:
        """Return what was received, oldest first; of one user if *impi* is given."""
        with self._news:
            return [each for each in self._received if impi in {None, each.request.impi}]

    def wait_for(
        self, wanted: Callable[[Received], bool], *, seconds: float = 5.0, what: str = "command"
    ) -> Received:
        """Return the first command that is *wanted*, past or to come.

        Raise TimeoutError, saying *what* was missing, after *seconds*.
        """

        def found() -> Received | None:
            return next(filter(wanted, self._received), None)

        with self._news:
            received = self._news.wait_for(found, seconds)
        if received is None:
            raise TimeoutError(f"no {what} at the HSS within {seconds:g} s")
        return received

    def terminate(
        self,
        impi: str,
        reason: Deregistration = Deregistration.PERMANENT_TERMINATION,
        seconds: float = 5.0,
    ) -> int | None:
        """End the registration of *impi* (RTR, TS 29.228 6.1.3); return the result code.

        Raise LookupError if it is not registered, TimeoutError if its S-CSCF is silent.
        """
        # Kamailio answers an RTR only if it names public identities, all of them registered.
        impus = self._desk.subscription(impi).registered_impus
        why = Avp(REASON_CODE, reason, VENDOR_3GPP), Avp(REASON_INFO, "lab", VENDOR_3GPP)
        result = self._ask_about(
            impi,
            Command.REGISTRATION_TERMINATION,
            *(Avp(PUBLIC_IDENTITY, impu, VENDOR_3GPP) for impu in impus),
            Avp(DEREGISTRATION_REASON, why, VENDOR_3GPP),
            seconds=seconds,
        )
        self._desk.forget(impi)
        return result

    def admit(
        self, impi: str, wafs: tuple[str, ...], wwsfs: tuple[str, ...] = (), seconds: float = 5.0
    ) -> int | None:
        """Change whose word is taken for *impi* and push that; return the result code.

        TS 29.228 6.2: the list alone, since the profile stays. Errors as of `terminate`.
        """
        subscription = self._desk.subscription(impi)
        self._desk.provision(msgspec.structs.replace(subscription, wafs=wafs, wwsfs=wwsfs))
        names = allowed_names_avp(wafs, wwsfs)
        return self._ask_about(impi, Command.PUSH_PROFILE, names, seconds=seconds)

    def _serving_peer(self, impi: str) -> str:
        if impi not in self.registrations():
            raise LookupError(f"{impi} is not registered")
        served = (each.request for each in reversed(self.commands(impi)))
        return next(each.peer for each in served if each.command == Command.SERVER_ASSIGNMENT)

    def _ask_about(self, impi: str, command: Command, *avps: Avp, seconds: float) -> int | None:
        peer = self._serving_peer(impi)
        self._sessions += 1
        common = (
            Avp(SESSION_ID, f"{self._identity.host};{self._sessions}"),
            application_avp(CX),
            Avp(AUTH_SESSION_STATE, NO_STATE_MAINTAINED),
            *self._identity.origin(),
            Avp(DESTINATION_HOST, peer.encode()),
            Avp(DESTINATION_REALM, self._identity.realm.encode()),
            Avp(USER_NAME, impi),
        )
        request = Message(command, CX, (*common, *avps))
        return self._node.ask(peer, request, seconds).result

    def _receive(self, message: Message, reply: Reply) -> None:
        request = CxRequest.from_message(message)
        fault = self._faults.get(Command(message.command), Fault())
        answer: CxAnswer | None = None
        if fault.result is not None:
            answer = CxAnswer(fault.result)
        elif not fault.silent:
            answer = self._desk.answer(request)
        # Before the answer goes out: who has seen its effect finds the command.
        with self._news:
            self._received.append(Received(request, answer.result if answer else None))
            self._news.notify_all()
        if answer is not None:
            self._send_late(fault.seconds_late, reply, answer.to_message(message, self._identity))

    def _send_late(self, seconds: float, reply: Reply, answer: Message) -> None:
        if not seconds:
            reply(answer)
            return

        def send() -> None:
            if self._late.pop(timer, None) is not None:
                reply(answer)

        timer = threading.Timer(seconds, send)
        timer.daemon = True
        self._late[timer] = send
        timer.start()


def follow(hss: Hss) -> Iterator[Received]:
    """Yield what *hss* receives, as it comes, until SIGINT or SIGTERM."""
    seen = 0
    for _ in until_told():
        fresh = hss.commands()[seen:]
        seen += len(fresh)
        yield from fresh


def main() -> None:
    """Run an HSS until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m lab.hss", description=main.__doc__)
    parser.add_argument("subscribers", type=Path, help="TOML file, see lab/README.md")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3868)
    parser.add_argument("--realm", default="ims.example")
    asked = parser.parse_args()
    subscriptions = read_subscriptions(asked.subscribers)
    with Hss(subscriptions, asked.realm, asked.host, asked.port) as hss:
        print(f"HSS hss.{asked.realm}: Cx on {hss.host}:{hss.port}", flush=True)
        for received in follow(hss):
            print(received, flush=True)


if __name__ == "__main__":
    main()
