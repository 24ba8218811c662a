"""The project speaks of itself alone, and everything that it points to is there."""

from __future__ import annotations

import re
import tomllib

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from tests.architecture.sources import ROOT, files, text_of


if TYPE_CHECKING:
    from collections.abc import Iterator

FOREIGN = {
    "a folder above the project": r"\.\./shared\b",
    "a path of one machine": r"(?<![\w.])/(?:work|home|root)/",
    "a document by the name of its file": r"\b\d{3}_[0-9a-f]{16}\b|\bseed 00\d\b",
    "a host of a package registry": r"\b(?:py|files\.python)(?:pi|hosted)\.org|\bnpmjs\.\w",
    "work left over without a number": r"\b(?:FIX(?:ME)|X(?:XX))\b|\bTODO\b(?!\(#\d)",
}
"What a reader who has only this project could not follow."

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def texts() -> Iterator[tuple[str, str]]:
    """Path and content of every file that holds text."""
    for path in files():
        if b"\0" not in (ROOT / path).read_bytes()[:1024]:
            yield path, text_of(path)


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_speaks_of_what_is_not_here(what: str) -> None:
    found = [
        f"{path}: {match.group()}"
        for path, text in texts()
        for match in re.finditer(FOREIGN[what], text)
    ]

    assert found == []


def links() -> Iterator[tuple[str, str]]:
    for path in files():
        if path.endswith(".md"):
            text = CODE.sub("", text_of(path))
            yield from ((path, target) for target in LINK.findall(text))


def anchors_of(path: str) -> set[str]:
    """Anchors of the headings of a page, as common renderers make them."""
    headings = HEADING.findall(re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def resolves(page: str, target: str) -> bool:
    place, _, anchor = target.partition("#")
    there = (ROOT / PurePosixPath(page).parent / place).resolve() if place else ROOT / page
    if not there.is_relative_to(ROOT) or not there.exists():
        return False
    return not anchor or anchor in anchors_of(str(there.relative_to(ROOT)))


def test_every_link_within_the_project_leads_somewhere() -> None:
    inside = [(page, target) for page, target in links() if "://" not in target]

    assert inside != []
    assert [link for link in inside if not resolves(*link)] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    asked_for = [*project["dependencies"], *(each for extra in extras for each in extra)]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in asked_for}
    reasons = text_of("docs/adr/0011-dependencies.md")

    assert {name for name in names if f"`{name}`" not in reasons} == set()
