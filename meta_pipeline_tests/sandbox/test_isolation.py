"""The sandbox imports and starts with its few dependencies: no Dagster, no dbt, no DuckDB, no other package of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import requests

# The dependencies of the web server and the JSON encoder; no other third-party package can be imported.
ALLOWED = (
    "starlette", "anyio", "idna", "uvicorn", "h11", "click", "python_multipart", "orjson", "typing_extensions", "tzdata",
)
PROGRAM = f"""
import importlib, pkgutil, sys

class OnlyTheSandbox:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        is_sandbox = name == "meta_pipeline" or f"{{name}}.".startswith("meta_pipeline.sandbox.")
        is_standard = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if is_sandbox or is_standard or top in {ALLOWED}:
            return None
        raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, OnlyTheSandbox())
import meta_pipeline.sandbox
for module in pkgutil.walk_packages(meta_pipeline.sandbox.__path__, "meta_pipeline.sandbox."):
    importlib.import_module(module.name)
for name in ("dagster", "dbt", "duckdb", "pyarrow", "sqlalchemy", "meta_pipeline.graph"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{{name}} was not blocked")
from meta_pipeline.sandbox.server import serve
serve(port=0)
"""


@contextmanager
def isolated_sandbox() -> Iterator[str]:
    """Yield the URL of a sandbox whose process can import nothing but `ALLOWED`."""
    server = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout and server.stderr
    try:
        ready = server.stdout.readline().split()
        if not ready:
            raise AssertionError(server.stderr.read())
        yield ready[1]
    finally:
        server.terminate()
        server.communicate(timeout=10)


def test_every_module_of_the_sandbox_imports_and_it_serves_without_the_other_packages() -> None:
    with isolated_sandbox() as url:
        token = requests.get(f"{url}/_sandbox/app", timeout=30).json()["system_user_token"]
        headers = {"authorization": f"Bearer {token}"}
        accounts = requests.get(f"{url}/v26.0/me/adaccounts", headers=headers, timeout=30).json()["data"]
        report_run = requests.post(
            f"{url}/v26.0/act_1000000001/insights", files={"fields": (None, "impressions")}, headers=headers, timeout=30
        ).json()

    assert len(accounts) == 6 and report_run["report_run_id"]
