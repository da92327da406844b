"""With a flag off, every command that writes says which flag, permission and task it needs, and sends nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.main import cli
from meta_pipeline.graph.calls import Call, CallKind
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.graph.writes import Write, WriteKind
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.settings import Settings
from meta_pipeline.store.gateway import audit_log
from meta_pipeline.vault.seal import new_key

PACKAGE = Path(__file__).parents[2] / "meta_pipeline"
# Every command that changes something at Meta, with its first write.
COMMANDS: dict[str, WriteKind] = {
    "system-users create ELT": WriteKind.SYSTEM_USER_CREATION,
    "system-users assign 1 act_1": WriteKind.SYSTEM_USER_ASSIGNMENT,
    "system-users mint 1": WriteKind.SYSTEM_USER_TOKEN,
    "partners request act_1": WriteKind.PARTNER_REQUEST,
    "partners give act_1 2": WriteKind.PARTNER_ACCESS,
    "partners give 1 2": WriteKind.PARTNER_ACCESS,
    "partners take-back act_1 2": WriteKind.PARTNER_REMOVAL,
    "webhooks subscribe": WriteKind.APP_SUBSCRIPTION,
    "webhooks subscribe --node 1": WriteKind.APP_SUBSCRIPTION,
    "webhooks unsubscribe": WriteKind.APP_UNSUBSCRIPTION,
    "publishing plan post.toml": WriteKind.PAGE_PUBLISHING,
    "publishing apply 1": WriteKind.PAGE_PUBLISHING,
    "publishing due": WriteKind.INSTAGRAM_PUBLISHING,
    "publishing undo 1": WriteKind.PAGE_PUBLISHING,
    "ads plan spec.toml": WriteKind.AD_CREATION,
    "ads apply 0": WriteKind.AD_CREATION,
    "ads rollback 0": WriteKind.AD_REMOVAL,
    "ads activate 0 --spend-limit 1": WriteKind.AD_CHANGE,
}
# Every command that reads leads or conversations.
READS: dict[str, CallKind] = {
    "leads pull": CallKind.LEADS, "leads forms": CallKind.LEADS, "leads list": CallKind.LEADS,
    "conversations pull": CallKind.PAGE_CONVERSATIONS, "conversations list": CallKind.PAGE_CONVERSATIONS,
}
# Writes that these commands send after their first.
LATER_WRITES = {
    WriteKind.APP_INSTALLATION, WriteKind.PAGE_SUBSCRIPTION, WriteKind.PAGE_UNSUBSCRIPTION,
    WriteKind.ACCOUNT_SUBSCRIPTION, WriteKind.ACCOUNT_UNSUBSCRIPTION,
    WriteKind.PAGE_UPLOAD, WriteKind.POST_CHANGE, WriteKind.POST_REMOVAL, WriteKind.INSTAGRAM_UPLOAD,
    WriteKind.MEDIA_REMOVAL,
}


@pytest.fixture(params=["nothing is connected", "a person is connected"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    runtime = Runtime(Settings(
        home=tmp_path, vault_keys=new_key(), app_id="1", app_secret="s", graph_url="http://127.0.0.1:9", _env_file=None))
    if request.param == "a person is connected":
        runtime.vault.keep(
            AccessToken(kind="user", value="EAAB"), subject_id="1", subject_name="P", scopes=("business_management",),
            expires_at=None, data_access_expires_at=None)
    monkeypatch.setattr("meta_pipeline.bootstrap.process_runtime", lambda: runtime)
    return runtime


@pytest.mark.parametrize("command", [*COMMANDS, *READS])
def test_a_command_names_flag_permission_and_task(runtime: Runtime, command: str) -> None:
    need: Write | Call = COMMANDS[command].value if command in COMMANDS else READS[command].value
    scopes = need.scopes if isinstance(need, Write) else need.all_scopes
    others = ",".join(feature for feature in FEATURES if feature != need.feature)
    for features in ("", others):
        object.__setattr__(runtime.settings, "features", features)
        vars(runtime).pop("graph", None)
        with pytest.raises(ConfigError) as refused:
            CliRunner().invoke(cli, command.split(), catch_exceptions=False)
        sentence = str(refused.value)

        assert "\n" not in sentence and sentence.endswith("nothing was sent")
        assert all(part in sentence for part in (str(need.feature), *scopes, need.task, "META_PIPELINE_FEATURES"))
    assert audit_log.find(runtime.engine, limit=1) == []


@pytest.mark.parametrize("command", ["leads pull", "leads pull --node 1", "leads forms", "leads list"])
def test_a_command_that_reads_leads_names_flag_permissions_and_task(runtime: Runtime, command: str) -> None:
    need = CallKind.LEADS.value
    object.__setattr__(runtime.settings, "features", ",".join(feature for feature in FEATURES if feature != need.feature))
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(cli, command.split(), catch_exceptions=False)
    sentence = str(refused.value)

    assert "\n" not in sentence and sentence.endswith("nothing was sent")
    assert all(part in sentence for part in ("leads in META_PIPELINE_FEATURES", *need.all_scopes, need.task))
    assert audit_log.find(runtime.engine, limit=1) == []


def test_every_kind_of_change_that_is_sent_belongs_to_a_command() -> None:
    sent = {
        node.attr
        for file in PACKAGE.rglob("*.py") if "graph" not in file.relative_to(PACKAGE).parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "WriteKind"
    }

    assert sent == {kind.name for kind in {*COMMANDS.values(), *LATER_WRITES, WriteKind.CONSENT_REVOCATION}}
