"""One end of a media stream, as plain as it gets: RTP with PCMU (RFC 3550, RFC 3551)."""

from __future__ import annotations

import asyncio
import secrets
import struct

from typing import Self

from lab.cscf import Address


PATIENCE = 5.0
"Seconds; a packet within a machine takes microseconds."

SPACING = 0.02
"Seconds between packets of PCMU."


class RtpEnd(asyncio.DatagramProtocol):
    """A UDP socket that says who it is in each packet; `heard` is what others said."""

    def __init__(self) -> None:
        self.name = secrets.token_bytes(8)
        self.heard: set[bytes] = set()
        self._changed = asyncio.Event()
        self._number = secrets.randbelow(2**15)
        self._source = secrets.randbits(32)
        self._transport: asyncio.DatagramTransport

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        number: int = self._transport.get_extra_info("sockname")[1]
        return number

    def datagram_received(self, data: bytes, _: object) -> None:
        """Keep the name in a packet: 12 octets of header, then the payload."""
        self.heard.add(data[12:20])
        self._changed.set()

    def sdp(self, version: int = 1) -> bytes:
        """Describe the stream; as an offer or as an answer it is the same."""
        lines = (
            "v=0",
            f"o=- {self._source} {version} IN IP4 127.0.0.1",
            "s=-",
            "c=IN IP4 127.0.0.1",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
            "a=sendrecv",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def send(self, to: Address) -> None:
        """Send one packet."""
        self._number += 1
        header = struct.pack("!BBHII", 0x80, 0, self._number, self._number * 160, self._source)
        self._transport.sendto(header + self.name + bytes(152), to)

    async def wait_for(self, name: bytes) -> None:
        """Wait until a packet of *name* has come."""
        while name not in self.heard:
            self._changed.clear()
            await self._changed.wait()


def place_of(sdp: bytes) -> Address:
    """Return where the audio that *sdp* describes is to be sent."""
    lines = sdp.decode().split("\r\n")
    (host,) = {line.split()[-1] for line in lines if line.startswith("c=")}
    (audio,) = [line for line in lines if line.startswith("m=audio ")]
    return host, int(audio.split()[1])


async def talk(one: RtpEnd, to_one: bytes, other: RtpEnd, to_other: bytes) -> None:
    """Let both send until each has heard the other.

    *to_one* is what *one* was told of the stream, *to_other* the same for *other*. Raise
    TimeoutError if one hears nothing for PATIENCE.
    """

    async def keep_sending() -> None:
        while True:
            one.send(place_of(to_one))
            other.send(place_of(to_other))
            await asyncio.sleep(SPACING)

    one.heard.clear()
    other.heard.clear()
    sending = asyncio.create_task(keep_sending())
    try:
        async with asyncio.timeout(PATIENCE):
            await one.wait_for(other.name)
            await other.wait_for(one.name)
    finally:
        sending.cancel()
