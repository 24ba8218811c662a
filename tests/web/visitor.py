"""A person with a browser, without the browser: follows links, fills in forms."""

from __future__ import annotations

import ssl

from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx2


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action, self._inside = given["action"], True
        elif tag == "input" and self._inside and "name" in given:
            self.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


class Visitor:
    """One person at one site."""

    def __init__(self, origin: str, trust: ssl.SSLContext) -> None:
        self.origin = origin
        self._client = httpx2.AsyncClient(verify=trust, timeout=20)
        self.page: httpx2.Response

    async def __aenter__(self) -> Self:
        await self.open("/")
        return self

    async def __aexit__(self, *exc: object) -> None:
        # nobody goes away with an identity of the pool
        await self.post(f"{self.origin}/logout")
        await self._client.aclose()

    async def open(self, path: str) -> httpx2.Response:
        """Go to *path* of the site, and wherever that leads."""
        return await self._go("GET", urljoin(self.origin, path))

    async def submit(self, **filled: str) -> httpx2.Response:
        """Fill in the form of the page and send it off."""
        form = _Form()
        form.feed(self.page.text)
        return await self.post(form.action, **{**form.fields, **filled})

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form to *path* of where the page is."""
        return await self._go("POST", urljoin(str(self.page.url), path), data=fields)

    async def session(self) -> dict[str, Any]:
        """Get what the site tells the WIC."""
        return (await self._client.get(f"{self.origin}/session")).json()

    async def _go(self, method: str, url: str, **more: Any) -> httpx2.Response:
        while True:
            at = urlsplit(url)
            headers = {"origin": f"{at.scheme}://{at.netloc}"} if method == "POST" else {}
            self.page = await self._client.request(method, url, headers=headers, **more)
            if not self.page.is_redirect:
                return self.page
            method, more, url = "GET", {}, urljoin(url, self.page.headers["location"])
