"""A Diameter node that others connect to: connections, and the base protocol on them.

One thread per connection. Requests of an application go to a handler together with a way
to answer, which may be used at once, later, from another thread, or never.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace

from lab.diameter import (
    HOST_IP_ADDRESS,
    ORIGIN_HOST,
    PRODUCT_NAME,
    RESULT_CODE,
    SUCCESS,
    SUPPORTED_VENDOR_ID,
    VENDOR_3GPP,
    VENDOR_ID,
    Avp,
    Identity,
    Message,
    application_avp,
)


Reply = Callable[[Message], None]
Handler = Callable[[Message, Reply], None]

CAPABILITIES_EXCHANGE = 257
DEVICE_WATCHDOG = 280
DISCONNECT_PEER = 282

_HEADER_OCTETS = 20


class DiameterNode:
    """Listens, answers CER, DWR and DPR itself, hands on the rest, and asks its peers."""

    def __init__(self, identity: Identity, application: int, handler: Handler) -> None:
        self._identity = identity
        self._application = application
        self._handler = handler
        self._lock = threading.Lock()
        self._connections: dict[_Connection, str] = {}
        "With the Origin-Host; empty until CER."
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def start(self, host: str, port: int) -> None:
        """Listen on *host* and *port*. Raise OSError if somebody else does."""
        self._listener = socket.create_server((host, port))
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Close everything at once, as a crash would; peers see their connections end."""
        with self._lock:
            listener, self._listener = self._listener, None
            connections, threads = list(self._connections), list(self._threads)
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in connections:
            connection.close()
        for thread in threads:
            thread.join()
        self._threads.clear()

    def peers(self) -> frozenset[str]:
        """Return the hosts that are connected and have exchanged capabilities."""
        with self._lock:
            return frozenset(filter(None, self._connections.values()))

    def ask(self, peer: str, request: Message, seconds: float) -> Message:
        """Send *request* to the host *peer*; return its answer.

        Raise ConnectionError if it is not connected, TimeoutError if it does not answer.
        """
        with self._lock:
            found = [each for each, host in self._connections.items() if host == peer]
        if not found:
            raise ConnectionError(f"{peer} is not connected")
        return found[0].ask(request).result(seconds)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return  # stopped
            connection = _Connection(peer)
            with self._lock:
                if self._listener is None:
                    connection.close()
                    return
                self._connections[connection] = ""
            self._spawn(self._serve, connection)

    def _serve(self, connection: _Connection) -> None:
        try:
            for request in connection.requests():
                if request.application:
                    self._handler(request, connection.send)
                else:
                    self._answer_base(connection, request)
        finally:
            with self._lock:
                del self._connections[connection]
            connection.close()

    def _answer_base(self, connection: _Connection, request: Message) -> None:
        answer = request.answer(Avp(RESULT_CODE, SUCCESS), *self._identity.origin())
        if request.command == CAPABILITIES_EXCHANGE:
            with self._lock:
                self._connections[connection] = request.get(ORIGIN_HOST).decode()
            answer = replace(answer, avps=(*answer.avps, *self._capabilities(connection)))
        connection.send(answer)

    def _capabilities(self, connection: _Connection) -> tuple[Avp, ...]:
        return (
            Avp(HOST_IP_ADDRESS, connection.host),
            Avp(VENDOR_ID, VENDOR_3GPP),
            Avp(PRODUCT_NAME, "lab"),
            Avp(SUPPORTED_VENDOR_ID, VENDOR_3GPP),
            # cdp counts too few places for a plain Auth-Application-Id and refuses the peer.
            application_avp(self._application),
        )

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()


class _Connection:
    """One TCP connection, cut into messages; answers go to who asked."""

    def __init__(self, peer: socket.socket) -> None:
        self._socket = peer
        self._writing = threading.Lock()
        self._asked: dict[int, Future[Message]] = {}
        self._identifiers = itertools.count(1)
        self.host: str = peer.getsockname()[0]

    def requests(self) -> Iterator[Message]:
        """Yield what the peer asks, until one side closes."""
        while (octets := self._read_message()) is not None:
            message = Message.from_bytes(octets)
            if message.is_request:
                yield message
            elif (waiting := self._asked.pop(message.hop_by_hop, None)) is not None:
                waiting.set_result(message)

    def ask(self, request: Message) -> Future[Message]:
        """Send a request; the future gets its answer."""
        identifier = next(self._identifiers)
        answer: Future[Message] = Future()
        self._asked[identifier] = answer
        self.send(replace(request, hop_by_hop=identifier, end_to_end=identifier))
        return answer

    def send(self, message: Message) -> None:
        """Send a message; one that nobody waits for any more is lost, as on any network."""
        with self._writing, contextlib.suppress(OSError):
            self._socket.sendall(message.to_bytes())

    def close(self) -> None:
        """End both directions; the reading thread notices."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read_message(self) -> bytes | None:
        header = self._read(_HEADER_OCTETS)
        if header is None:
            return None
        length = int.from_bytes(header[1:4], "big")
        rest = self._read(length - _HEADER_OCTETS)
        return None if rest is None else header + rest

    def _read(self, count: int) -> bytes | None:
        octets = b""
        while len(octets) < count:
            try:
                more = self._socket.recv(count - len(octets))
            except OSError:
                return None  # closed by us
            if not more:
                return None
            octets += more
        return octets
