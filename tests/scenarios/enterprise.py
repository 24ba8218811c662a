"""An enterprise that has been given a block, its web server and its users."""

from __future__ import annotations

import asyncio
import contextlib
import json

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from lab.certificates import Credential
from lab.deployment import Deployment, Wishes
from lab.sidecar import PROGRAMS
from lab.web_server import Account, WebServer
from lab.wic import Closed, Wic
from tests.scenarios.provisioning import provide


ORIGIN = "https://enterprise.example"
PILOT, IMPI = "sip:pilot@ims.example", "pilot@ims.example"
ACCOUNT = Account(PILOT, IMPI, "four words of enterprise")
DESKS, HALLS = "sip:desk!.*!@ims.example", "sip:hall-!(a|b){1,2}!@ims.example"
SCOPE = "enterprise/waf/block"
HA1 = 4
"Of a row of ep_block."
CUT = Closed(1008, "policy violation")

POLICY = """
[wwsfs.enterprise]
origins = ["https://enterprise.example"]
authorization_entities = ["waf"]
ranges = [
    {{ range = "sip:desk!.*!@ims.example", mode = "block" }},
    {{ range = "sip:hall-!(a|b){{1,2}}!@ims.example", mode = "block" }},
]
block.pilot = "sip:pilot@ims.example"
block.impi = "pilot@ims.example"
block.mode = "{mode}"
block.{told_by}
"""


class Enterprise:
    """A deployment, and what the enterprise has."""

    def __init__(self, lab: Deployment, mode: str) -> None:
        self.lab = lab
        self.mode = mode
        self.credential = lab.authority.issue_client("wws.enterprise.example")

    @classmethod
    @contextlib.contextmanager
    def running(cls, run_dir: Path, mode: str, wishes: Wishes) -> Iterator[Enterprise]:
        """Bring everything up; the block is provisioned, and not registered."""
        with Deployment(run_dir, wishes) as lab:
            enterprise = cls(lab, mode)
            certificate = enterprise.credential.sha256()
            enterprise.provision(f'client_certificates = ["{certificate}"]')
            yield enterprise

    def provision(self, told_by: str) -> None:
        """Load its policy; the web server is *told_by* that. Ready when the edge knows it."""
        provide(self.lab, POLICY.format(mode=self.mode, told_by=told_by))
        if self.mode == "static":
            self.set_password(ACCOUNT.password)
        wanted = 64 if self.mode == "static" else 0
        self.lab.edge.wait_until(lambda: len(self._field(HA1)) == wanted, seconds=5, what="block")

    def wait_for_row(self, told_by: str) -> None:
        """Wait until the edge tells the web server by *told_by*. Raise TimeoutError."""
        self.lab.edge.wait_until(
            lambda: told_by in str(self.lab.edge.row("ep_block", PILOT)), seconds=5, what=told_by
        )

    def _field(self, number: int) -> str:
        row = self.lab.edge.row("ep_block", PILOT)
        return str(row).split("|")[number] if row else "-"

    def set_password(self, password: str) -> None:
        """Set it as an operator would."""
        file = self.lab.run_dir / "password"
        file.write_text(f"{password}\n")
        self.lab.sidecar.ctl("block", "password", "enterprise", "--password-file", str(file))

    async def web_server(self, account: Account = ACCOUNT) -> WebServer:
        """Connect its web server to the door for it."""
        return await self.caller(self.credential, account)

    async def caller(self, shown: Credential | None, account: Account = ACCOUNT) -> WebServer:
        """Connect somebody there who shows a certificate, or none."""
        context = self.lab.trust()
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        door = ("127.0.0.1", self.lab.edge.plan.web_server_port)
        return await WebServer.over_tls(door, context, account)

    @contextlib.asynccontextmanager
    async def registering(self) -> AsyncIterator[WebServer]:
        """Give a web server; what it has registered has ended afterwards."""
        async with await self.web_server() as server:
            yield server
        async with await self.web_server() as last:
            await last.register(0)
        self.wait_until_over()

    def token(self, impu: str, **more: object) -> str:
        """Make the Authorization of a user."""
        name = impu.partition(":")[2].partition("@")[0]
        claims = {"client_id": "enterprise", **more}
        token = self.lab.issuers["portal"].token(f"{name}@ims.example", [impu], **claims)
        return f"Bearer {token}"

    async def connect(self) -> Wic:
        """Open a WebSocket as a page of the enterprise does."""
        return await Wic.connect(self.lab.url, origin=ORIGIN, ssl=self.lab.trust())

    async def told_of(self, impu: str, cause: str) -> None:
        """Wait until the enterprise is told that *impu* is released. Raise TimeoutError."""
        socket = ("--socket", str(self.lab.sidecar.admin_socket), "--output", "json")
        words = ("events", "watch", "--from", "oldest", "--wwsf", "enterprise")
        watching = await asyncio.create_subprocess_exec(
            str(PROGRAMS / "epcscfctl"), *socket, *words, stdout=-1, stderr=-3
        )
        assert watching.stdout is not None
        try:
            async with asyncio.timeout(10):
                async for line in watching.stdout:
                    event = json.loads(line)
                    if (event["impu"], event["cause"]) == (impu, cause):
                        return
        finally:
            watching.kill()
            await watching.wait()

    @property
    def is_registered(self) -> bool:
        """Whether members are let in."""
        return bool(self.stamps)

    @property
    def stamps(self) -> set[str]:
        """What members are let in under: one for each registration, and none after it."""
        return {key for key in self.lab.edge.rows("ep_stamp") if key.startswith(f"{SCOPE}|")}

    def wait_until_registered(self) -> None:
        """Wait until members are let in. Raise TimeoutError."""
        self.lab.edge.wait_until(lambda: self.is_registered, seconds=10, what="block")

    def wait_until_over(self) -> None:
        """Wait until they are not. Raise TimeoutError."""
        listed = self.lab.sidecar.ctl_json

        def over() -> bool:
            (block,) = listed("block", "list")
            return not self.is_registered and "registered_until" not in block

        self.lab.edge.wait_until(over, seconds=10, what="end of the block")
