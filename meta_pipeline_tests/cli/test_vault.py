"""The vault on the command line: the tokens with their owners, their log of uses, checks and revocation."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from harness.home import Home
from harness.sandbox import Sandbox
from meta_pipeline.vault.seal import new_key


def listed(home: Home) -> list[dict[str, Any]]:
    ran = home.run("vault", "list", "--format", "json")
    assert ran.returncode == 0, ran.stderr
    tokens: list[dict[str, Any]] = json.loads(ran.stdout)
    return tokens


def connections(home: Home) -> list[dict[str, Any]]:
    return [token for token in listed(home) if token["kind"] != "page"]


def test_list_log_check_and_revoke(home: Home, sandbox: Sandbox) -> None:
    sandbox.share_clock()
    assert listed(home) == []
    connected = home.run("connect", "--no-browser", "--phase", "1")
    assert connected.returncode == 0, connected.stderr
    token, *pages = listed(home)
    assert (token["owner"], token["kind"], token["state"], token["nodes"]) == ("Sam Operator", "user", "good", 12)
    assert {(page["owner"], page["kind"], page["state"], page["expires"]) for page in pages} >= {("Northwind", "page", "good", "never")}
    assert home.run("vault", "check").returncode == 0
    log = json.loads(home.run("vault", "log", "--format", "json", "--token", token["token"]).stdout)
    assert {row["flow"] for row in log} == {"relink", "check_tokens", "first_look"}

    sandbox.control("dead", {"subcode": 464, "kind": "USER"})
    checked = home.run("vault", "check")
    assert checked.returncode == 1 and "confirm it on Facebook" in checked.stderr
    (token,) = connections(home)
    assert token["state"] == "dead" and "http://localhost:8600/connect?phase=1" in token["click"]
    doctor = home.run("doctor")
    assert doctor.returncode == 1 and "confirm it on Facebook" in doctor.stdout
    assert home.run("connect", "--no-browser").returncode == 0
    revoked = home.run("vault", "revoke", token["token"])
    assert revoked.returncode == 0 and "Meta has revoked the consent" in revoked.stdout
    assert connections(home)[0]["wrong"] == "Sam Operator was disconnected here."
    again = home.run("vault", "revoke", token["token"])
    assert again.returncode == 0 and "Meta was not called" in again.stdout
    doctor = home.run("doctor")
    assert "was disconnected here" not in doctor.stdout
    connected = home.run("connect", "--no-browser", "--phase", "1")  # it requests again what was granted before
    assert connected.returncode == 0, connected.stderr
    assert (connections(home)[0]["state"], connections(home)[0]["nodes"]) == ("good", 16)
    lost = dict(home.environment, META_PIPELINE_VAULT_KEYS=new_key())
    rotated = subprocess.run(
        [*home.command, "vault", "rotate"], env=lost, cwd=home.path, capture_output=True, text=True, timeout=60)
    assert rotated.returncode == 1 and "0 tokens sealed" in rotated.stdout and token["token"] in rotated.stderr
    unknown = home.run("vault", "revoke", "nobody")
    assert unknown.returncode == 1 and "vault list" in unknown.stderr and "Traceback" not in unknown.stderr
    assert all(secret not in run.stdout + run.stderr for run in (connected, checked, doctor, revoked)
               for secret in sandbox.control("secrets"))


def test_serve_refuses_addresses_that_are_unsafe_or_unusable(home: Home, sandbox: Sandbox) -> None:
    for arguments, sentence in (
        (("--host", "0.0.0.0"), "META_PIPELINE_OPERATOR_PASSWORD"),
        (("--port", sandbox.url.rpartition(":")[2]), "choose another --port"),
        (("--host", "no.such.host.invalid"), "can't be listened on"),
        (("--port", "70000"), "70000"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "meta_pipeline.cli", "serve", *arguments], env=home.environment, cwd=home.path,
            capture_output=True, text=True, timeout=60,
        )
        assert ran.returncode != 0 and sentence in ran.stderr and "Traceback" not in ran.stderr, ran.stderr
