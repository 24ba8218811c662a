"""A SIP user agent over UDP: stands for an eP-CSCF before the core, or for a plain phone."""

from __future__ import annotations

import itertools
import secrets
import select
import socket

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from lab.cscf import Address, authority
from lab.sip import SipMessage


Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class User:
    """Whom a REGISTER is for."""

    impi: str
    impu: str
    realm: str = "ims.example"

    def contact(self, authority: str) -> str:
        """Return a contact URI of its own: two users with one URI share a binding's Path."""
        return f"sip:{self.impi.partition('@')[0]}@{authority}"

    def tna_credentials(self, more: str = "") -> str:
        """Return the Authorization of a trusted node (TS 33.203 U.2); *more* is appended."""
        return (
            f'Digest username="{self.impi}", realm="{self.realm}", nonce="", '
            f'uri="sip:{self.realm}", response="", integrity-protected="auth-done"{more}'
        )


class UdpAgent:
    """Sends and receives whole messages on one UDP socket."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        bound_host, bound_port, *_ = self._socket.getsockname()
        self.address: Address = (bound_host, bound_port)
        self.authority = authority(bound_host, bound_port)
        self._numbers = itertools.count(1)
        # ports come round again, and what the agent before said there must not be said again
        self._tag = secrets.token_hex(4)

    def second_handle(self) -> socket.socket:
        """Return another handle of the socket: the port is held until both are closed."""
        return self._socket.dup()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, message: SipMessage, to: Address) -> None:
        """Send one message."""
        self._socket.sendto(message.to_bytes(), to)

    def receive(self, seconds: float = 5.0) -> SipMessage:
        """Return the next message. Raise TimeoutError if none comes for *seconds*."""
        self._socket.settimeout(seconds)
        return SipMessage.parse(self._socket.recv(65535))

    def pending(self) -> bool:
        """Tell whether something has come that nobody has received."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def exchange(self, request: SipMessage, to: Address, seconds: float = 5.0) -> SipMessage:
        """Send *request* and return its final response; what else comes is dropped."""
        self.send(request, to)
        while True:
            message = self.receive(seconds)
            answers = message.all("Call-ID") + message.all("CSeq") == (
                request.all("Call-ID") + request.all("CSeq")
            )
            if answers and message.status is not None and message.status >= 200:
                return message

    def request(self, method: str, uri: str, to: str, headers: Headers = ()) -> SipMessage:
        """Make a request outside of any dialog; *to* is the URI in To.

        From is the same unless it is among *headers*.
        """
        number = next(self._numbers)
        own = {
            "Via": f"SIP/2.0/UDP {self.authority};branch=z9hG4bK{number}.{self._tag}",
            "Max-Forwards": "70",
            "From": f"<{to}>;tag={number}",
            "To": f"<{to}>",
            "Call-ID": f"{number}.{self._tag}@{self.authority}",
            "CSeq": f"{number} {method}",
        }
        given = list(headers)
        for name, _ in given:
            own.pop(name, None)
        return SipMessage.request(method, uri, [*own.items(), *given])

    def register(self, user: User, headers: Headers = (), expires: int = 600) -> SipMessage:
        """Make a REGISTER as a P-CSCF sends it on; credentials are the caller's to add."""
        registering = [
            ("Contact", f"<{user.contact(self.authority)}>;expires={expires}"),
            ("Supported", "path"),
            ("Require", "path"),
            ("Path", f"<sip:{self.authority};lr>"),
            ("P-Visited-Network-ID", f'"{user.realm}"'),
        ]
        given = list(headers)
        names = {name for name, _ in given}
        kept = [(name, value) for name, value in registering if name not in names]
        return self.request("REGISTER", f"sip:{user.realm}", user.impu, [*kept, *given])
