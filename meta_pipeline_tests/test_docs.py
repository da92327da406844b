"""The documents name only what exists: sections, files, decisions, links and settings."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from meta_pipeline.settings import Settings

TOP = Path(__file__).parent.parent
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True).stdout.split("\0")
TEXT_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".toml", ".md", ".csv"}
TEXT_FILES = [TOP / name for name in TRACKED if Path(name).suffix in TEXT_SUFFIXES and (TOP / name).exists()]
DOCUMENTS = [file for file in TEXT_FILES if file.suffix == ".md"]
DECISIONS = TOP / "docs" / "decisions"
# The folders in which a path in a document may begin: the architecture names files without the package's name.
ROOTS = [TOP, TOP / "meta_pipeline", TOP / "dbt_project", TOP / "meta_pipeline_tests"]

pytestmark = pytest.mark.skipif(not DOCUMENTS, reason="needs the git checkout")


def test_every_cited_section_of_the_graph_facts_exists() -> None:
    sections = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?) ", (TOP / "docs" / "graph-api.md").read_text(), re.M))

    missing = [f"{where} §{section}" for where, section in _cited_sections() if section not in sections]

    assert missing == []


def test_citations_of_the_graph_facts_have_the_path_of_their_file() -> None:
    without_path = re.compile(r"(?<!docs/)\bgraph-api\.md §")

    odd = [_name(file) for file in TEXT_FILES if file.suffix != ".md" and without_path.search(file.read_text())]

    assert odd == []


def test_every_cited_source_of_the_graph_facts_is_listed() -> None:
    text = (TOP / "docs" / "graph-api.md").read_text()
    key = re.compile(r"\b(?:[DP]-[A-Z]{2,5}\d*|S2\d)\b")
    listed = set(key.findall(text[text.index("### Sources"):text.index("## 1 Versions")]))

    cited = {
        (_name(file), name)
        for file in TEXT_FILES
        if file.suffix == ".py" or file.name == "graph-api.md"
        for line in file.read_text().splitlines()
        if file != Path(__file__)
        for name in key.findall(line)
    }

    assert sorted((file, name) for file, name in cited if name not in listed) == []


def test_every_cited_decision_exists() -> None:
    numbers = {file.name[:4] for file in DECISIONS.glob("*.md")}
    by_path = re.compile(r"decisions/(\d{4})(?:[–-](\d{4}))?")
    by_number = re.compile(r"\bdecisions? (\d{4})\b")

    missing = [
        f"{_name(file)}: {number}"
        for file in TEXT_FILES
        for pattern in (by_path, by_number)
        for match in pattern.finditer(file.read_text())
        for number in match.groups()
        if number and number not in numbers
    ]

    assert missing == []


def test_decisions_are_numbered_once_and_have_one_form() -> None:
    files = sorted(DECISIONS.glob("*.md"))

    numbers = [file.name[:4] for file in files]
    assert len(numbers) == len(set(numbers)), "two decisions have the same number"
    for file in files:
        text = file.read_text()
        headings = re.findall(r"^#+ .*$", text, re.M)
        assert re.match(rf"# {file.name[:4]} \S", text), file.name
        assert [h for h in headings if h.startswith("## ")] == ["## Context", "## Decision", "## Consequences"], file.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(TOP).as_posix())
def test_every_relative_link_resolves(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", document.read_text())

    broken = [link for link in links if not _resolves(document, link)]

    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(TOP).as_posix())
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    names = re.findall(r"(?<![\w./<>{}*-])((?:[\w.-]+/)+[\w-]+\.(?:py|sql|csv|toml|yml|md))\b", document.read_text())

    missing = [name for name in names if not any((root / name).exists() for root in [document.parent, *ROOTS])]

    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(TOP).as_posix())
def test_every_row_of_a_table_has_as_many_cells_as_its_head(document: Path) -> None:
    uneven = []
    for table in re.findall(r"(?:^\|.*\n)+", document.read_text(), re.M):
        head, *rows = [len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()]
        uneven += [row for row, cells in zip(table.splitlines()[1:], rows, strict=True) if cells != head]

    assert uneven == []


def test_every_term_of_the_glossary_is_defined_once() -> None:
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", (TOP / "docs" / "glossary.md").read_text(), re.M)

    assert {
        "batch", "control store", "first look", "gated report", "give-back", "grant", "lease", "link", "listing", "node",
        "partition", "provisional day", "published warehouse", "report run", "restatement", "sweep", "token ref",
    } <= set(terms)
    assert sorted(terms, key=str.lower) == terms
    assert len(set(terms)) == len(terms)


def test_the_example_of_the_settings_explains_every_line() -> None:
    lines = (TOP / ".env.example").read_text().splitlines()
    settings = [number for number, line in enumerate(lines) if line.startswith("META_PIPELINE_")]

    unexplained = [lines[number] for number in settings if not lines[number - 1].startswith("# ")]

    assert unexplained == []


def test_the_example_of_the_settings_has_their_defaults() -> None:
    text = (TOP / ".env.example").read_text()

    wrong = []
    for name, field in Settings.model_fields.items():
        comment = text[:text.index(f"\nMETA_PIPELINE_{name.upper()}=")].rsplit("\n\n", 1)[-1]
        comment = comment.rsplit("=\n", 1)[-1]
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default or "")
        default = default.removesuffix(".0")
        if default not in comment:
            wrong.append(f"{name}: {default}")

    assert wrong == []


def _cited_sections() -> Iterator[tuple[str, str]]:
    """Yield file and section of every `§…`; of a range such as `§2.2–2.4` both ends. RFCs are cited too."""
    for file in TEXT_FILES:
        text = re.sub(r"RFC \d+ §[\d.]+", "", file.read_text())
        for match in re.finditer(r"§(\d+(?:\.\d+)?)(?:[–-](\d+(?:\.\d+)?))?", text):
            yield from ((_name(file), section) for section in match.groups() if section)


def _resolves(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    if not target.exists():
        return False
    return not anchor or anchor in {_anchor(heading) for heading in re.findall(r"^#+ (.*)$", target.read_text(), re.M)}


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _name(file: Path) -> str:
    return file.relative_to(TOP).as_posix()
