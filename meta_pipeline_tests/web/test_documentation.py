"""The data dictionary on the connections page: for operators, and harmless to the other pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, make_web
from meta_pipeline.cli.servers.documentation import write_documentation
from meta_pipeline.project import dbt_project_folder
from meta_pipeline.publish.freshness import project_digest
from meta_pipeline.publish.readers.documentation import offline
from meta_pipeline.records import LoadError


def put_documentation(web: Web) -> Path:
    """Write documentation of this project as dbt would."""
    folder = web.runtime.settings.root / "dbt" / "docs"
    folder.mkdir(parents=True)
    (folder / "documentation.html").write_text("<html>the marts</html>")
    (folder / "documentation.digest").write_text(f"{project_digest(dbt_project_folder())} {dbt_project_folder()}")
    return folder / "documentation.html"


def test_an_operator_reads_the_documentation_and_its_scripts_have_their_own_origin(web: Web) -> None:
    put_documentation(web)

    answer = web.browser.get("/docs")

    assert (answer.status, answer.body) == (200, "<html>the marts</html>")
    assert "sandbox allow-scripts" in answer.header("content-security-policy")
    assert "allow-same-origin" not in answer.header("content-security-policy")
    assert 'href="/docs"' in web.browser.get("/").body


def test_a_stranger_must_sign_in_first(tmp_path: Path, sandbox: Sandbox) -> None:
    web = make_web(
        tmp_path, sandbox, host="0.0.0.0", public_url="https://etl.example", operator_password="correct horse battery"
    )
    put_documentation(web)
    web.browser.host = "etl.example"

    answer = web.browser.get("/docs")

    assert (answer.status, answer.header("location")) == (303, "/sign-in")


def test_without_a_publication_the_page_says_what_to_do(web: Web, tmp_path: Path) -> None:
    answer = web.browser.get("/docs")

    assert answer.status == 503
    assert "nothing is published yet" in answer.body
    with pytest.raises(LoadError, match="run `meta-pipeline backfill` first"):
        write_documentation(web.runtime.settings, tmp_path / "documentation.html")


def test_dbts_page_sends_no_request_and_names_no_folder_of_this_machine() -> None:
    page = """<html><head><link rel="icon" href="/favicon.ico"></head><use xlink:href="{{ icon }}"></use>/home/me/dbt/x.sql</html>"""

    text = offline(page, machine_paths=(Path("/home/me/dbt"),))

    assert "favicon" not in text and "/home/me" not in text
    assert 'ng-href="{{ icon }}"' in text
    assert text.startswith('<html><head><meta http-equiv="Content-Security-Policy" content="default-src \'none\';')
