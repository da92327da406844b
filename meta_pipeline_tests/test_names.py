"""No catch-all names, and no file that is too long to read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
FILES = sorted(
    file for folder in ("meta_pipeline", "meta_pipeline_tests", "harness", "benchmarks", "docs") for file in (TOP / folder).rglob("*.py")
)
# They say nothing about the value: name it after what it holds.
CATCH_ALL = {"told", "asked", "found", "one", "known", "kept", "by"}
LONGEST = 300  # lines
QUESTIONS = ("What", "How", "Which", "Who", "Whose", "Whether", "When", "Where", "Why")


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a module defines or binds, and every keyword that it passes, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.alias(name=name, asname=alias):
                yield alias or name.split(".")[-1], node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno


@pytest.mark.parametrize("folder", ["meta_pipeline", "meta_pipeline_tests", "harness", "benchmarks", "docs"])
def test_no_name_is_a_catch_all(folder: str) -> None:
    files = [file for file in FILES if file.relative_to(TOP).parts[0] == folder]

    bad = [
        f"{file.relative_to(TOP)}:{line} {name}"
        for file in files for name, line in names_in(ast.parse(file.read_text())) if name in CATCH_ALL
    ]

    assert bad == [] and not [file for file in files if file.stem in CATCH_ALL]


def objects_named_home(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that give the name `home` to something that is neither a folder nor an object made for one."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg="home", annotation=ast.expr() as kind):
                pass
            case ast.AnnAssign(target=ast.Name(id="home") | ast.Attribute(attr="home"), annotation=kind):
                pass
            case ast.Assign(targets=[ast.Name(id="home") | ast.Attribute(attr="home")], value=ast.Call(func=ast.Name(id=name) as kind)) if (
                name[0].isupper()
            ):
                pass
            case ast.FunctionDef(name="home", returns=ast.expr() as kind):
                pass
            case _:
                continue
        if not any(word in ast.unparse(kind) for word in ("Path", "Home", "str")):
            yield node.lineno


def test_home_names_only_the_folder() -> None:
    bad = [
        f"{file.relative_to(TOP)}:{line}"
        for file in FILES for line in objects_named_home(ast.parse(file.read_text()))
    ]

    assert bad == []
    assert list(objects_named_home(ast.parse("self.home = Runtime(x)\ndef home(): ...\nhome: Engine\nhome = Path(y)"))) == [1, 3]


def test_no_docstring_begins_with_a_question_word() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [
        (f"{file.relative_to(TOP)} {getattr(node, 'name', '')}", docstring)
        for file in FILES if file.relative_to(TOP).parts[0] == "meta_pipeline"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, documented) and (docstring := ast.get_docstring(node))
    ]

    assert docstrings
    assert [place for place, docstring in docstrings if re.split(r"\W", docstring, maxsplit=1)[0] in QUESTIONS] == []


def test_no_file_is_longer_than_300_lines() -> None:
    assert [f"{file.relative_to(TOP)}" for file in FILES if len(file.read_text().splitlines()) > LONGEST] == []
