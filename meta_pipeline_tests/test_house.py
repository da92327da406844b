"""The house rules that no linter checks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


def test_the_locks_name_hashes_and_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        text = (TOP / name).read_text()

        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--index|--find-links", text), name


def test_the_sandbox_imports_no_other_package_of_ours() -> None:
    for file in (TOP / "meta_pipeline" / "sandbox").rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (meta_pipeline\S*)", file.read_text(), re.M)

        assert all(name.startswith("meta_pipeline.sandbox") for name in imports), file.name


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("benchmarks", {"meta_pipeline_tests"}),
        ("meta_pipeline_tests", {"benchmarks"}),
        ("harness", {"benchmarks", "meta_pipeline_tests"}),
    ],
)
def test_tests_and_benchmarks_share_the_harness_and_do_not_import_each_other(folder: str, forbidden: set[str]) -> None:
    files = list((TOP / folder).rglob("*.py"))

    assert files
    for file in files:
        # Programs that tests start in other processes import as well.
        imported = set(re.findall(r"^\W*(?:from|import) (\w+)", file.read_text(), re.M))
        assert not imported & forbidden, file


def test_only_the_package_of_files_turns_the_location_of_a_landed_or_published_file_into_a_path() -> None:
    of_a_location = re.compile(r"Path\([\w.]*(?:\.path|location|published\w*|landing_root|landing\.root)\)")
    files = [
        file for file in (TOP / "meta_pipeline").rglob("*.py")
        if not {"files", "sandbox"} & set(file.relative_to(TOP).parts[:-1])
    ]

    assert files and of_a_location.search("Path(file.path).exists()")
    assert {file.name: match[0] for file in files if (match := of_a_location.search(file.read_text()))} == {}


def test_the_package_can_be_imported_without_an_environment() -> None:
    ran = subprocess.run([sys.executable, "-c", "import meta_pipeline"], env={}, cwd="/", capture_output=True)

    assert ran.returncode == 0, ran.stderr


def test_every_setting_is_in_the_readme_and_the_example() -> None:
    sys.path.insert(0, str(TOP))
    from meta_pipeline.settings import Settings

    readme, example = (TOP / "README.md").read_text(), (TOP / ".env.example").read_text()
    for name in Settings.model_fields:
        assert f"META_PIPELINE_{name.upper()}" in readme
        assert f"META_PIPELINE_{name.upper()}" in example
