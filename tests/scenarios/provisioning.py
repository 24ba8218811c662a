"""A policy, loaded as an operator would, and known at the edge before anybody comes."""

from __future__ import annotations

import tomllib

from lab.deployment import Deployment


def provide(lab: Deployment, policy: str) -> None:
    """Load *policy*; afterwards the edge serves the pages of all its WWSFs."""
    lab.apply(policy)
    pages = {
        origin: id_
        for id_, wwsf in tomllib.loads(policy)["wwsfs"].items()
        for origin in wwsf.get("origins", ())
    }
    lab.edge.wait_until(
        lambda: all(lab.edge.row("ep_origin", page) == id_ for page, id_ in pages.items()),
        seconds=5,
        what=f"pages of {', '.join(pages)}",
    )
