"""The connections page of a separate home, connected to a sandbox."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import sqlalchemy as sa

from harness.sandbox import Sandbox
from harness.web.browser import Answer, Browser
from meta_pipeline.bootstrap import Runtime, system_now
from meta_pipeline.settings import Settings
from meta_pipeline.store.schema.current import metadata
from meta_pipeline.vault.seal import new_key
from meta_pipeline.web.app import create_app


@dataclass
class Web:
    """The app, its live objects, and one person's browser."""

    runtime: Runtime
    app: Any
    sandbox: Sandbox
    browser: Browser

    def app_now(self) -> dt.datetime:
        """Return the time of the app's clock."""
        return self.runtime.now()

    def another_browser(self) -> Browser:
        return Browser(self.app)

    def dialog(self, target: str = "/connect?phase=2", browser: Browser | None = None) -> str:
        answer = (browser or self.browser).get(target)
        assert answer.status == 303, answer.body
        return answer.header("location")

    def consented(self, dialog: str) -> str:
        """Return the path and query to which Meta redirects a person who consented."""
        split = urlsplit(requests.get(dialog, allow_redirects=False, timeout=30).headers["location"])
        return f"{split.path}?{split.query}"

    def connect(self, target: str = "/connect?phase=2") -> Answer:
        return self.browser.get(self.consented(self.dialog(target)))

    def form_token(self, browser: Browser | None = None) -> str:
        browser = browser or self.browser
        page = browser.get("/").body
        linked = re.search(r"/connections/[0-9a-f]+/disconnect", page)  # a page without a form: the next one has it
        if "form_token" not in page and linked:
            page = browser.get(linked[0]).body
        field = re.search(r'name="form_token" value="([^"]+)"', page)
        assert field
        return field[1]

    def rows(self) -> dict[str, int]:
        """Return the number of rows of every table of the control store, except calls and budgets."""
        with self.runtime.engine.connect() as connection:
            return {
                table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables if table.name not in ("audit_calls", "budgets")
            }

    def exchanges(self) -> int:
        return int(self.sandbox.control("calls").get("GET /oauth/access_token", 0))


async def no_wait(seconds: float) -> None:
    """Return at once instead of waiting."""


def parameter(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


def make_web(
    path: Path, sandbox: Sandbox, *, host: str = "127.0.0.1", onboards: bool = True, now: Any = None, sleep: Any = None,
    **settings: Any,
) -> Web:
    clock = now or system_now
    sandbox.share_clock(clock())
    runtime = Runtime(Settings(
        _env_file=None, home=path / "home", graph_url=sandbox.url, dialog_url=sandbox.url, app_id=sandbox.app["app_id"],
        app_secret=sandbox.app["app_secret"], vault_keys=new_key(), **settings,
    ), now=clock)
    app = create_app(runtime, host=host, onboards=onboards, sleep=sleep or no_wait)
    return Web(runtime, app, sandbox, Browser(app))
