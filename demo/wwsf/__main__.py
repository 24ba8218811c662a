"""`python -m demo.wwsf SITE.toml ...` serves sites; `... hash` hashes a password for one."""

from __future__ import annotations

import asyncio
import getpass
import sys

from pathlib import Path

import uvicorn

from demo.wwsf.accounts import HASHER
from demo.wwsf.settings import Site, read_site
from demo.wwsf.site import open_site


def main() -> None:
    """Serve every site that was named, until told to stop."""
    if sys.argv[1:] == ["hash"]:
        sys.stdout.write(HASHER.hash(getpass.getpass()) + "\n")
        return
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    asyncio.run(_serve([read_site(Path(name)) for name in sys.argv[1:]]))


async def _serve(sites: list[Site]) -> None:
    async with asyncio.TaskGroup() as serving:
        for site in sites:
            config = uvicorn.Config(
                await open_site(site),
                host=site.host,
                port=site.port,
                ssl_certfile=site.certificate_file,
                ssl_keyfile=site.key_file,
                # names of users and codes stand in URLs
                access_log=False,
                server_header=False,
            )
            serving.create_task(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
