"""An erasure removes a person or a customer from every byte of the home and changes nothing of the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.home import Home
from harness.kills.erasure_kills import MOMENTS
from harness.kills.planted_home import (
    AROHA,
    AROHA_NODES,
    PERSON,
    PERSON_NAMES,
    files_that_mention,
    forget,
    marts_of,
    plant,
    tables_that_mention,
    tokens_of,
    without_tenant,
    without_words,
)

FIGURES = "select account_id, date_day::varchar as day, spend::varchar as spend from marts.facebook_ads__account_report order by all"


def _folder(home: Home) -> Path:
    return Path(home.environment["META_PIPELINE_HOME"])


def test_an_erased_customer_is_in_no_byte_and_the_marts_of_another_are_unchanged(copied_home: Home) -> None:
    folder = _folder(copied_home)
    words = (*AROHA, plant(copied_home, AROHA))
    before, marts = files_that_mention(folder, words), marts_of(folder, "northwind")
    histories = {"raw_meta_pipeline.node_versions", "raw_meta_pipeline.link_changes", "marts.dim_nodes", "marts.fct_link_changes"}
    assert tables_that_mention(folder / "warehouse.duckdb", AROHA) >= histories
    assert {path.split("/")[0] for path in before} >= {
        "control.sqlite", "dagster", "dbt", "exports", "landing", "published", "samples", "warehouse.duckdb", "report.html",
    }

    planned = forget(copied_home, "aroha", "--dry-run")
    assert files_that_mention(folder, words) == before, "a dry run writes nothing"
    result = forget(copied_home, "aroha")

    assert {node["id"].removeprefix("act_") for node in planned["nodes"]} == set(AROHA_NODES)
    assert files_that_mention(folder, words) == {}
    assert marts_of(folder, "northwind") == without_words(marts, AROHA) and any(marts.values())
    assert {name for name, rows in marts.items() if without_words({name: rows}, AROHA)[name] != rows} == {"dim_nodes", "fct_link_changes"}
    assert not (folder / "published" / "aroha").exists()
    receipt = Path(result["receipt"])
    content = json.loads(receipt.read_text())["receipt"]
    assert "90 days" in content["retention_overridden"][0]
    verified = copied_home.run("receipt", "verify", str(receipt))
    assert verified.returncode == 0 and "valid" in verified.stdout
    without = without_tenant(copied_home, "aroha")  # as `forget` says, the operator removes the tenant there
    built = without.run("build", "--force")
    assert built.returncode == 0, built.stderr
    assert files_that_mention(folder, words) == {}


def test_an_erased_person_is_in_no_byte_and_nodes_that_others_reach_stay(copied_home: Home) -> None:
    folder, words = _folder(copied_home), (PERSON, *PERSON_NAMES)
    plant(copied_home, words)
    tokens = tokens_of(copied_home)
    before = files_that_mention(folder, (*words, *tokens))
    assert {path.split("/")[0] for path in before} >= {"control.sqlite", "dagster", "landing", "warehouse.duckdb", "published", "exports"}
    figures = copied_home.sql(FIGURES)

    result = forget(copied_home, PERSON)

    staying = tokens_of(copied_home)
    erased = [token for token in tokens if token not in staying]
    assert result["nodes"] == [] and result["nodes_that_others_reach"] and erased and staying
    assert files_that_mention(folder, (*words, *erased)) == {}
    assert copied_home.sql(FIGURES) == figures
    built = copied_home.run("build", "--force")
    assert built.returncode == 0, built.stderr
    assert copied_home.sql(FIGURES) == figures and files_that_mention(folder, words) == {}


def test_an_erasure_that_is_killed_at_every_moment_is_as_complete_as_any_other(copied_home: Home) -> None:
    folder = _folder(copied_home)
    words = (*AROHA, plant(copied_home, AROHA))
    marts = without_words(marts_of(folder, "northwind"), AROHA)

    ran = subprocess.run(
        [sys.executable, "-m", "harness.kills.erasure_kills", "tenant", "aroha"], env=copied_home.environment,
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=900,
    )

    assert ran.returncode == 0, ran.stderr
    assert len(json.loads(ran.stdout)) >= 20, set(map(str, MOMENTS)) - set(json.loads(ran.stdout))
    assert files_that_mention(folder, words) == {}
    assert marts_of(folder, "northwind") == marts
    (receipt,) = (folder / "receipts").iterdir()
    assert copied_home.run("receipt", "verify", str(receipt)).returncode == 0
    doctor = copied_home.run("build")
    assert doctor.returncode == 0, doctor.stderr
