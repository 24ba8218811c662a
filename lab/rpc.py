"""JSON-RPC to a Kamailio over its datagram socket (module jsonrpcs, transport 4)."""

from __future__ import annotations

import itertools
import json
import socket

from pathlib import Path
from typing import Any


class RpcError(Exception):
    """Kamailio answered the command with an error."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code} {message}")
        self.code = code


class RpcClient:
    """Sends commands to one socket; every call has a client socket of its own."""

    LONGEST_PATH = 107
    "sun_path holds 108 bytes with the closing NUL; Kamailio does not start beyond that."

    def __init__(self, path: Path, *, seconds: float = 5.0) -> None:
        if len(str(path)) > self.LONGEST_PATH:
            raise ValueError(f"socket path is longer than {self.LONGEST_PATH} bytes: {path}")
        self.path = path
        self._seconds = seconds
        self._ids = itertools.count(1)

    def call(self, method: str, *params: str | int) -> Any:
        """Return the result of *method*.

        Raise RpcError for an error answer, TimeoutError for none, and OSError when nobody
        listens.
        """
        question = {
            "jsonrpc": "2.0",
            "id": next(self._ids),
            "method": method,
            "params": list(params),
        }
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.bind("")  # the kernel chooses an abstract name: no file is left behind
            client.settimeout(self._seconds)
            client.sendto(json.dumps(question).encode(), str(self.path))
            answer = json.loads(client.recv(1 << 20))
        if "error" in answer:
            raise RpcError(method, answer["error"]["code"], answer["error"]["message"])
        return answer.get("result")
