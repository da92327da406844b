"""The quarterly routine."""

from __future__ import annotations

import json

from meta_pipeline_tests.conftest import Home


def test_the_pins_and_what_metas_answers_say_against_them(home: Home):
    home.environment["META_PIPELINE_MARKETING_VERSION"] = "v24.0"
    assert home.run("connect", "--no-browser").returncode == 0  # the sandbox carries v24.0 on as v25.0, with a warning
    told = home.run("versions", "--json")
    found = json.loads(told.stdout)

    assert told.returncode == 1
    assert "ended" in found["pins"][1]["trouble"] and found["pins"][1]["next"] == "v25.0"
    assert any("v24.0 was answered as v25.0" in line and "auto-upgraded" in line for line in found["seen"])
    assert "answered as v25.0" in home.run("doctor").stdout


def test_a_canary_pulls_the_next_version_and_says_what_differs(home: Home):
    assert home.run("connect", "--no-browser").returncode == 0
    assert home.run("versions").returncode == 0
    ran = home.run("versions", "canary", "--format", "json")

    assert ran.returncode == 0, ran.stderr
    assert "both versions say the same" in ran.stderr and json.loads(ran.stdout) == []
    refused = home.run("versions", "canary", "--version", "v99.0")
    assert refused.returncode == 1 and "Traceback" not in refused.stderr and "v99.0" in refused.stderr
