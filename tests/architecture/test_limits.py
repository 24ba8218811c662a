"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast

from fnmatch import fnmatch
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.architecture.sources import Source, files, python_under, text_of


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILE_LINES = (
    ("kamailio.cfg", 220),
    ("kemi/*.py", 160),
    ("*.py", 400),
    ("*.cfg", 400),
    ("*.proto", 400),
)
"The first pattern that fits decides."
KEMI_PYTHON_LINES = 2200
CORE_SIDE = ("kemi/cx.py", "kemi/cxrelay/")
"For CSCFs, by other hands than an edge's."
CORE_SIDE_LINES = 1200
PROGRAMS = ("sidecar/", "kemi/", "lab/", "tools/", "bench/", "demo/")
"Tests are long tables and builders with a keyword per deviation: their functions go unmeasured."

Function = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Match)
"A `with` does not branch, nor does a `try` but for its handlers."


def lines_of(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def parameters_of(function: Function) -> int:
    """Parameters without self and cls; a command of the command line has one per option."""
    if any("click." in ast.unparse(decorator) for decorator in function.decorator_list):
        return 0
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def nesting_of(node: ast.AST) -> int:
    """Deepest branching below *node*; what is defined inside is measured by itself."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            goes_deeper = isinstance(child, BRANCHING) and not is_elif(child, node)
            deepest = max(deepest, nesting_of(child) + goes_deeper)
    return deepest


def is_elif(child: ast.AST, parent: ast.AST) -> bool:
    """Tell whether *child* is the `elif` of *parent*: it goes no deeper than its `if`."""
    return isinstance(child, ast.If) and isinstance(parent, ast.If) and parent.orelse == [child]


MEASURES: tuple[tuple[Callable[[Function], int], int], ...] = (
    (lines_of, 40),
    (parameters_of, 5),
    (nesting_of, 2),
)


def functions_of(source: Source) -> Iterator[Function]:
    return (node for node in ast.walk(source.tree) if isinstance(node, Function))


def limit_of(path: str) -> int | None:
    return next((lines for pattern, lines in FILE_LINES if fnmatch(path, pattern)), None)


def test_no_file_is_too_long() -> None:
    too_long = {
        path: length
        for path in files()
        if (limit := limit_of(path)) and (length := len(text_of(path).splitlines())) > limit
    }

    assert too_long == {}


def lines_under(*folders: str) -> int:
    return sum(len(source.text.splitlines()) for source in python_under(*folders))


def test_all_python_of_the_edge_is_read_in_twenty_minutes() -> None:
    assert lines_under("kemi/") - lines_under(*CORE_SIDE) <= KEMI_PYTHON_LINES


def test_all_python_of_the_core_s_side_is_read_in_twelve() -> None:
    assert lines_under(*CORE_SIDE) <= CORE_SIDE_LINES


@pytest.mark.parametrize(("measure", "limit"), MEASURES)
def test_no_function_is_too_big(measure: Callable[[Function], int], limit: int) -> None:
    measured = {
        f"{source.path}:{function.lineno} {function.name}": measure(function)
        for source in python_under(*PROGRAMS)
        for function in functions_of(source)
    }

    assert {name: size for name, size in measured.items() if size > limit} == {}


SAMPLE = '''
    def sample(self, a, /, b, *c, d, **e):
        """Say
        something."""
        if a:
            pass
        elif b:
            try:
                with x:
                    for y in z:
                        pass
            except OSError:
                for y in z:
                    pass

        def inner():
            if a:
                if b:
                    if d:
                        if e: pass
'''


@pytest.mark.parametrize(
    ("measure", "size"), [(lines_of, 17), (parameters_of, 3), (nesting_of, 3)]
)
def test_the_measures_measure(measure: Callable[[Function], int], size: int) -> None:
    function = next(functions_of(Source("sample.py", dedent(SAMPLE))))

    assert size == measure(function)
