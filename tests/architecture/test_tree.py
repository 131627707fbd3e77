"""Promises that hold over the whole repository."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tree import ROOT, parsed, python_files, tracked

TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "Procfile",
    "README.md",
    "bench",
    "callback",
    "docs",
    "migrations",
    "pyproject.toml",
    "requirements.lock",
    "tests",
    "workers",
}
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b|NotImplemented")
OFF = {f"pytest.mark.{how}" for how in ("skip", "skipif", "xfail")}
WIDE = {"Exception", "BaseException"}
PURE = (
    "callback/domain/",
    "callback/ports/",
    "callback/flows/",
    "callback/adapters/",
    "callback/lab/",
    "callback/web/",
)


def test_nothing_but_the_known_entries_stands_at_the_top() -> None:
    top = {path.parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{path}:{number}"
        for path in python_files("callback", "workers", "migrations", "bench", "tests")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line) and path.name != Path(__file__).name
    ]
    assert found == []


def names_in(node: ast.expr | None) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set(WIDE)


def swallowed(tree: ast.Module) -> Iterator[int]:
    """Lines where any error at all is dropped without a word."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and names_in(node.type) & WIDE:
            if all(isinstance(step, (ast.Pass, ast.Continue)) or _is_dots(step) for step in node.body):
                yield node.lineno
        elif isinstance(node, ast.Call) and _last(node.func) == "suppress":
            yield from (node.lineno for argument in node.args if names_in(argument) & WIDE)


def _last(named: ast.expr) -> str:
    """The last word of a dotted name."""
    return named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""


def _is_dots(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def saying(words: str, *folders: str) -> Iterator[Path]:
    """The files in which these words stand at all: to parse the others would take a hundred times as long."""
    spelled = re.compile(words)
    yield from (path for path in python_files(*folders) if spelled.search((ROOT / path).read_text(encoding="utf-8")))


def test_no_error_is_swallowed() -> None:
    files = saying(r"\bexcept\s*:|Exception\b", "callback", "workers", "migrations", "bench", "tests")
    assert [f"{path}:{line}" for path in files for line in swallowed(parsed(path))] == []


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    ...",
        "with contextlib.suppress(ValueError, Exception):\n    f()",
    ],
)
def test_a_swallowed_error_would_be_found(code: str) -> None:
    assert list(swallowed(ast.parse(code)))


def test_no_test_is_switched_off() -> None:
    last = {name.rpartition(".")[2] for name in OFF}
    marks = (
        f"{path}:{node.lineno}"
        for path in saying("skip|xfail", "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in last and ast.unparse(node) in OFF
    )
    assert list(marks) == []


def test_test_files_have_unique_names() -> None:
    names = Counter(path.name for path in python_files("tests") if path.name.startswith("test_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_only_the_edges_read_the_environment() -> None:
    reads = re.compile(r"\bos\.(?:environ|getenv)\b|\bfrom os import .*\b(?:environ|getenv)\b")
    found = [
        str(path)
        for path in python_files("callback")
        if str(path).startswith(PURE) and reads.search((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert found == []
