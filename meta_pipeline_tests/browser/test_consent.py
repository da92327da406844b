"""Consent as a person gives it: `connect` opens the login dialog in a browser."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page

from harness.home import Home
from harness.sandbox import Sandbox


@pytest.fixture
def opened(home: Home, tmp_path: Path) -> Path:
    """Return the named pipe to which the program in `BROWSER`, started by `connect`, writes the address."""
    address = tmp_path / "address"
    os.mkfifo(address)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {address}\n')
    browser.chmod(0o755)
    home.environment["BROWSER"] = str(browser)
    return address


def test_a_person_who_continues_is_connected(home: Home, opened: Path, page: Page) -> None:
    connect = home.start("connect")
    page.goto(opened.read_text().strip())
    assert "ads_read" in page.content()
    page.click("#continue")
    page.wait_for_url("**/oauth/callback**")
    assert "close this page" in page.content()
    out, err = connect.communicate(timeout=120)

    assert connect.returncode == 0, err
    assert "act_1000000001" in out


def test_a_person_who_cancels_leaves_nothing_behind(home: Home, opened: Path, page: Page) -> None:
    connect = home.start("connect")
    page.goto(opened.read_text().strip())
    page.click("#cancel")
    page.wait_for_url("**/oauth/callback**")
    _, err = connect.communicate(timeout=120)

    assert connect.returncode == 1
    assert "access_denied" in err and "Traceback" not in err and "nothing was stored" in err
    with sqlite3.connect(Path(home.environment["META_PIPELINE_HOME"]) / "control.sqlite") as store:
        assert store.execute("select count(*) from tokens").fetchone() == (0,)


def test_an_answer_with_a_changed_state_is_refused(home: Home, sandbox: Sandbox, opened: Path, page: Page) -> None:
    connect = home.start("connect")
    page.goto(opened.read_text().strip())
    target = page.get_attribute("#continue", "href")
    assert target
    page.goto(target.replace("state=", "state=x"))
    _, err = connect.communicate(timeout=120)

    assert connect.returncode == 1
    assert "state" in err and "Traceback" not in err
    code = target.split("code=")[1].split("&")[0]
    assert code not in err and sandbox.control("calls").get("GET /oauth/access_token", 0) == 0
