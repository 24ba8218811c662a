"""The web servers of all WWSFs, on one HTTPS port: pages, libraries, and who is logged in."""

from __future__ import annotations

import threading

from pathlib import Path
from typing import Self

import uvicorn

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from lab.certificates import Credential
from lab.edge import ROOT
from lab.ports import free_port
from lab.waiting import wait_until


class Site:
    """Serves while entered, from a thread."""

    def __init__(self, server: Credential) -> None:
        self.port = free_port()
        app = Starlette(
            routes=[
                Mount("/lib", StaticFiles(directory=ROOT / "build" / "web")),
                Mount("/", StaticFiles(directory=Path(__file__).parent / "pages", html=True)),
            ]
        )
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=self.port,
            ssl_certfile=server.certificate,
            ssl_keyfile=server.key,
            log_level="warning",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started, seconds=10, what="web server")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
