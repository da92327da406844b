"""The control calls over HTTP, and the command line's options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from harness.sandbox import Sandbox


@pytest.mark.parametrize(
    ("name", "body"),
    [("world", {"colour": "red"}), ("entities", {"id": "1", "name": "x"}), ("entities", {"create": "ad"}), ("nothing", {"a": 1})],
)
def test_an_invalid_call_gets_400_and_a_sentence(shared_sandbox: Sandbox, name: str, body: dict[str, str | int]) -> None:
    response = requests.post(f"{shared_sandbox.url}/_sandbox/{name}", json=body, timeout=30)

    assert response.status_code == 400 and response.json()["error"]


def test_truth_reach_and_breakdown_answer_over_http(shared_sandbox: Sandbox) -> None:
    days = {"since": "2026-11-10", "until": "2026-11-11"}
    now, then = shared_sandbox.control("truth", **days), shared_sandbox.control("truth", **days, at="2026-11-12T12:00:00+00:00")
    parts = shared_sandbox.control("breakdown", **days, breakdowns="age,gender", level="account")

    assert sum(row["impressions"] for row in then["ad"]) < sum(row["impressions"] for row in now["ad"])
    assert sum(row["impressions"] for row in parts) == sum(row["impressions"] for row in now["account"])
    assert {row["id"] for row in shared_sandbox.control("reach", **days)["account"]} == {row["id"] for row in now["account"]}
    refused = requests.get(f"{shared_sandbox.url}/_sandbox/breakdown", {**days, "breakdowns": "age,country"}, timeout=30)
    assert refused.status_code == 400


def test_the_command_line_creates_as_many_ads_as_requested() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", "0", "--ads", "120"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        sandbox = Sandbox(server.stdout.readline().split()[1])
        token = sandbox.control("app")["system_user_token"]
        page = requests.get(f"{sandbox.url}/v26.0/act_1000000001/adcreatives", {"limit": 500, "access_token": token}, timeout=30).json()
    finally:
        server.terminate()
        server.communicate(timeout=10)

    assert len(page["data"]) == 120


def test_an_invalid_scenario_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('[{"world": {"colour": "red"}}]')
    ran = subprocess.run(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", "0", "--scenario", str(tmp_path / "plan.json")],
        capture_output=True, text=True, timeout=60)

    assert ran.returncode == 1 and "Traceback" not in ran.stderr and "colour" in ran.stderr
