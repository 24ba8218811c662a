"""Lists that have to be complete: replies for reasons, rows on the conformance page."""

from __future__ import annotations

import ast
import re

from typing import TYPE_CHECKING

from epcscfd.domain.checks import CHECKS
from epcscfd.domain.reasons import Reason
from epcscfd.domain.replies import REPLIES
from tests.architecture.sources import python_under, text_of
from tools.conformance.matrix import read_matrix
from tools.conformance.page import State, stated
from tools.conformance.rules import render


if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "docs/conformance.md"


def test_every_reason_has_a_reply_and_none_is_a_success() -> None:
    assert set(Reason) == set(REPLIES)
    assert [reason for reason in Reason if not 400 <= REPLIES[reason].answer.status < 700] == []


def test_every_reply_advises_the_operator() -> None:
    assert [reason for reason in Reason if not REPLIES[reason].advice.endswith(".")] == []


def test_every_check_has_a_name_of_its_own_and_a_clause() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert [check.name for check in CHECKS if not re.match(r"(TS|RFC) \d", check.clause)] == []


def test_the_conformance_page_states_every_row() -> None:
    matrix = read_matrix()
    said = stated(text_of(PAGE))

    assert list(said) == list(matrix.positions())
    assert {id_ for id_, state in said.items() if state is State.OTHERWISE} == set(
        matrix.decisions
    )


def test_the_page_of_the_rules_tells_those_that_are_in_force() -> None:
    assert text_of("docs/judging.md") == render()


def test_the_conformance_page_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py::[\w:]+)`", text_of(PAGE)))

    assert named
    assert named - set(functions_of_tests()) == set()


def functions_of_tests() -> Iterator[str]:
    """Node ids of the test functions of the project, without their cases."""
    for source in python_under("tests/"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{source.path}::{node.name}"
