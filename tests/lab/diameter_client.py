"""A bare Diameter client: asks the HSS over TCP and shows the octets of its answer decoded."""

from __future__ import annotations

import socket

from lab.cx import (
    CX,
    PUBLIC_IDENTITY,
    SERVER_ASSIGNMENT_TYPE,
    SERVER_NAME,
    USER_DATA_ALREADY_AVAILABLE,
    Command,
)
from lab.diameter import (
    AUTH_SESSION_STATE,
    DESTINATION_REALM,
    SESSION_ID,
    USER_NAME,
    VENDOR_3GPP,
    Avp,
    Identity,
    Message,
    application_avp,
)
from lab.diameter_peer import CAPABILITIES_EXCHANGE


ME = Identity("client.ims.example", "ims.example")
SERVER = "sip:scscf9.ims.example"


def server_assignment(impi, impu, assignment, *, has_profile=False):
    """Make a SAR."""
    return Message(
        Command.SERVER_ASSIGNMENT,
        CX,
        (
            Avp(SESSION_ID, "client;1"),
            application_avp(CX),
            Avp(AUTH_SESSION_STATE, 1),
            *ME.origin(),
            Avp(DESTINATION_REALM, b"ims.example"),
            Avp(USER_NAME, impi),
            Avp(PUBLIC_IDENTITY, impu, VENDOR_3GPP),
            Avp(SERVER_NAME, SERVER, VENDOR_3GPP),
            Avp(SERVER_ASSIGNMENT_TYPE, assignment, VENDOR_3GPP),
            Avp(USER_DATA_ALREADY_AVAILABLE, int(has_profile), VENDOR_3GPP),
        ),
        hop_by_hop=7,
        end_to_end=8,
    )


class Client:
    """One connection, capabilities exchanged."""

    def __init__(self, hss):
        self._socket = socket.create_connection((hss.host, hss.port), timeout=5)
        self.capabilities = self.ask(Message(CAPABILITIES_EXCHANGE, 0, ME.origin()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def ask(self, request):
        """Send a request; return the next message, None if the HSS closes."""
        self.send(request.to_bytes())
        return self.receive()

    def send(self, octets):
        self._socket.sendall(octets)

    def receive(self):
        with self._socket.makefile("rb") as stream:
            header = stream.read(20)
            if not header:
                return None
            return Message.from_bytes(
                header + stream.read(int.from_bytes(header[1:4], "big") - 20)
            )
