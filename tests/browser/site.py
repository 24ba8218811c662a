"""The web servers of all WWSFs, on one HTTPS port: pages, libraries, and who is logged in."""

from __future__ import annotations

import threading

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import uvicorn

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lab.certificates import Credential
from lab.deployment import EDGE_URL
from lab.edge import ROOT
from lab.ports import free_port
from lab.waiting import wait_until


Session = Mapping[str, Any]


class Site:
    """Serves while entered, from a thread."""

    def __init__(self, server: Credential) -> None:
        self.port = free_port()
        self.sessions: Iterator[Session] = iter(())
        "What those who ask for it are given next; nobody is logged in when it has ended."
        app = Starlette(
            routes=[
                Route("/session", self._session),
                Mount("/lib", StaticFiles(directory=ROOT / "build" / "web")),
                Route("/wic/", self._phone),
                Mount("/wic", StaticFiles(directory=ROOT / "demo" / "wic", html=True)),
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

    async def _phone(self, _: Request) -> Response:
        page = (ROOT / "demo" / "wic" / "index.html").read_text()
        said = '<meta name="epcscf-uri" content="{}">'
        return HTMLResponse(page.replace(said.format(""), said.format(EDGE_URL)))

    async def _session(self, _: Request) -> Response:
        session = await run_in_threadpool(next, self.sessions, None)
        return Response(status_code=401) if session is None else JSONResponse(session)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started, seconds=10, what="web server")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
