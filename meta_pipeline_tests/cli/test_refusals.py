"""Invalid input and failing servers: one clear sentence, a non-zero exit, no traceback."""

from __future__ import annotations

from typing import Any

import pytest

from harness.home import Home
from harness.sandbox import Sandbox

DAYS = ("--since", "2026-11-01", "--until", "2026-11-02")


def refused(home: Home, *arguments: str, stdin: str = "") -> str:
    ran = home.run(*arguments, stdin=stdin)
    assert ran.returncode != 0, ran.stdout
    assert "Traceback" not in ran.stderr + ran.stdout, ran.stderr
    assert ran.stderr.strip()
    return ran.stderr


@pytest.mark.parametrize(
    ("body", "sentence", "then"),
    [
        (None, "not valid (190)", "no ad account is linked"),
        ({"dead": 463}, "190/463", "no ad account is linked"),
        ({"dead": 460}, "190/460", "no ad account is linked"),
        # It can list Pages but not read them.
        ({"scopes": ["pages_show_list"]}, "ads_read", "pages_read_engagement"),
    ],
)
def test_a_token_that_cannot_read_is_refused(
    home: Home, sandbox: Sandbox, body: dict[str, Any] | None, sentence: str, then: str
) -> None:
    token = sandbox.token(**body) if body else "EAABnonsensetoken"
    message = refused(home, "connect", "--token-stdin", stdin=token + "\n")

    assert sentence in message and token not in message
    assert then in refused(home, "backfill", *DAYS, "--no-build")


@pytest.mark.parametrize("fault", ["500", "html_502"])
def test_a_server_error_is_reported(home: Home, sandbox: Sandbox, fault: str) -> None:
    sandbox.control("faults", {"fault": fault, "times": 99})

    assert "try again later" in refused(home, "connect", "--token-stdin", stdin="EAABany\n")


def test_an_unreachable_server_is_reported(home: Home, sandbox: Sandbox) -> None:
    home.environment["META_PIPELINE_GRAPH_URL"] = "http://127.0.0.1:9"
    message = refused(home, "connect", "--token-stdin", stdin="EAABany\n")

    assert "could not connect to http://127.0.0.1:9 (connection refused)" in message
    assert sandbox.app["app_secret"] not in message and "EAABany" not in message


def test_backfill_refuses_invalid_days_nodes_and_reports(home: Home, sandbox: Sandbox) -> None:
    ran = home.run("connect", "--token-stdin", "--kind", "system-user", stdin=sandbox.app["system_user_token"])
    assert ran.returncode == 0, ran.stderr
    for arguments, sentence in (
        (("--since", "2026-02-30", "--until", "2026-03-01"), "2026-02-30"),
        (("--since", "2026-11-05", "--until", "2026-11-01"), "before --since"),
        (("--since", "2099-01-01", "--until", "2099-01-02"), "has not begun"),
        (("--since", "2001-01-01", "--until", "2001-01-02"), "first day that has partitions"),
        ((*DAYS, "--node", "act_42"), "unknown ad account act_42"),
        ((*DAYS, "--report", "nonsense"), "unknown report nonsense"),
        ((*DAYS, "--node", "42"), "unknown node 42"),
        ((*DAYS, "--node", "act_1000000001", "--report", "page_posts"), "page_posts is a report of Pages"),
        (
            (*DAYS, "--node", "act_1000000001", "--node", "3000000000001", "--report", "page_posts"),
            "page_posts is not a report of ad accounts such as act_1000000001",
        ),
    ):
        assert sentence in refused(home, "backfill", *arguments)


def test_a_missing_setting_or_input_is_named(home: Home) -> None:
    for name in ("APP_ID", "APP_SECRET", "VAULT_KEYS"):
        value = home.environment.pop(f"META_PIPELINE_{name}")
        assert f"META_PIPELINE_{name}" in refused(home, "connect", "--token-stdin", stdin="EAABany\n")
        home.environment[f"META_PIPELINE_{name}"] = value
    assert "standard input" in refused(home, "connect", "--token-stdin")
    assert "nothing is published yet" in refused(home, "sql", "select 1")
    home.environment["META_PIPELINE_VAULT_KEYS"] = "short"
    assert "vault new-key" in refused(home, "connect", "--token-stdin", stdin="EAABany\n")


def test_a_taken_port_is_reported(home: Home, sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]

    assert f"port {port} is in use" in refused(home, "sandbox", "--port", port)
