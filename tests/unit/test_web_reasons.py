"""Every reason that the product writes into the journal is worded for people, and told in Chinese on Chinese pages."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

import callback
from callback.adapters.telephony.prompts import LOCALE_FOLDER
from callback.domain.callback import Outcome
from callback.domain.workday import Unanswered
from callback.web import reasons

ROOT = Path(callback.__file__).parent
PLACES = ("flows", "domain", "web", "web/admin", "web/api", "web/status")
OF_THE_LINE = re.compile(r"(?:now|bridged|at), '([a-z_]{4,})'")
FIELDS = {"queue", "rows"}
"""What follows a time in an event of the line, and is no reason."""
NAME = "Ann"
NOT_KEPT = {"note_failure"}
"""Calls whose `reason` is told to those who run the house, in the words of a fault."""


@cache
def trees() -> list[ast.Module]:
    paths = [path for place in PLACES for path in sorted((ROOT / place).glob("*.py"))]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def texts(node: ast.expr, names: dict[str, list[str]]) -> list[str]:
    """What an expression may be, as far as it is written there; a name stands for every value in a text."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else NAME for part in parts)]
        case ast.IfExp(body=one, orelse=other):
            return texts(one, names) + texts(other, names)
        case ast.BoolOp(values=some):
            return [text for one in some for text in texts(one, names)]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return names.get(name, [])
    return []


def assigned(tree: ast.AST, only: set[str] | None, names: dict[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and (only is None or target.id in only):
                    yield target.id, texts(node.value, names)


def constants() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for tree in trees():
        for node in tree.body:
            for name, some in assigned(node, None, {}) if isinstance(node, ast.Assign) else ():
                found.setdefault(name, []).extend(some)
    return found


def written() -> set[str]:
    """Every reason that stands in the code as one."""
    names, found = constants(), set[str]()
    for tree in trees():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            local = names | dict(assigned(function, {"reason"}, names))
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Attribute) and call.func.attr in NOT_KEPT:
                    continue
                for given in (word.value for word in call.keywords if word.arg == "reason"):
                    found.update(texts(given, local))
    return found


def of_the_line() -> set[str]:
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "adapters/line/lua").glob("*.lua")]
    return {word for script in scripts for word in OF_THE_LINE.findall(script)} - FIELDS


@cache
def everything() -> list[str]:
    return sorted(
        written() | of_the_line() | {outcome.value for outcome in Outcome} | {one.value for one in Unanswered}
    )


@pytest.fixture(scope="module")
def chinese() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_translation_directories=str(LOCALE_FOLDER))
    with app.app_context(), app.test_request_context(), force_locale("zh"):
        yield


def test_they_are_found() -> None:
    assert {"missed the ring", f"talks with {NAME}", "wrap_up_over", "the time has come"} <= set(everything())
    assert len(everything()) > 50


def test_each_reason_has_a_chinese_wording(chinese: None) -> None:
    bare = [kept for kept in everything() if not re.search("[\u4e00-\u9fff]", reasons.said(kept))]
    assert bare == []


def test_names_stay_and_what_a_person_wrote_is_left_alone(chinese: None) -> None:
    assert NAME in reasons.said(f"talks with {NAME}")
    assert reasons.said("their manager rang") == "their manager rang"
    assert reasons.said(None) == ""
    assert not reasons.is_known("their manager rang")
