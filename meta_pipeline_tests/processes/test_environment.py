"""Variables for a library's child processes are removed afterwards; our child processes get their own environment."""

from __future__ import annotations

import os

import pytest

from meta_pipeline.processes.environment import child_environment, exported


def test_variables_are_set_in_the_block_and_restored_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_BEFORE", "before")
    monkeypatch.delenv("NOT_SET_BEFORE", raising=False)

    with pytest.raises(ValueError), exported(SET_BEFORE="inside", NOT_SET_BEFORE="inside"):
        assert os.environ["SET_BEFORE"] == os.environ["NOT_SET_BEFORE"] == "inside"
        raise ValueError

    assert os.environ["SET_BEFORE"] == "before"
    assert "NOT_SET_BEFORE" not in os.environ


def test_a_childs_environment_does_not_change_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_BEFORE", "before")

    assert child_environment(SET_BEFORE="child", OTHER="child").items() >= {"SET_BEFORE": "child", "OTHER": "child"}.items()
    assert os.environ["SET_BEFORE"] == "before" and "OTHER" not in os.environ
