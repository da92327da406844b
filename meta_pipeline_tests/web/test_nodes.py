"""The choice of a node on the connections page."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, make_web
from meta_pipeline.store.nodes import choices

NODE = "act_1000000001"


def choose(web: Web, choice: str, *, node_id: str = NODE, form_token: str | None = None) -> int:
    form = {"form_token": web.form_token() if form_token is None else form_token, "choice": choice}
    return web.browser.post(f"/nodes/{node_id}/choice", form).status


def test_a_node_is_paused_and_read_again_by_a_button(web: Web) -> None:
    web.connect()
    assert "Pause Northwind US" in web.browser.get("/").body and "paused: not read" not in web.browser.get("/").body
    assert choose(web, "pause") == 303

    page = web.browser.get("/").body
    assert "paused: not read" in page and "Read every day: Northwind US" in page
    assert NODE not in {link.id for link in web.runtime.links_to_read()}
    assert choose(web, "read") == 303
    stored = choices.find(web.runtime.engine, NODE)
    assert stored is not None and (stored.choice, stored.chosen_by) == ("chosen", "the connections page")


@pytest.mark.parametrize(("choice", "node_id", "form_token", "status"), [
    ("pause", NODE, "", 403), ("pause", NODE, "another's", 403), ("pause", "act_404", None, 404), ("delete", NODE, None, 404),
    ("", NODE, None, 404), ("pause", "%00", None, 404), ("pause", "x" * 3000, None, 404),
])
def test_a_forged_or_invalid_form_changes_nothing(
    web: Web, choice: str, node_id: str, form_token: str | None, status: int
) -> None:
    web.connect()

    assert choose(web, choice, node_id=node_id, form_token=form_token) == status
    assert choices.find_all(web.runtime.engine) == {}


def test_only_operators_choose(tmp_path: Path, sandbox: Sandbox) -> None:
    web = make_web(tmp_path, sandbox, operator_password="correct horse battery")

    assert web.browser.post(f"/nodes/{NODE}/choice", {"choice": "pause"}).status == 403
