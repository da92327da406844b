"""Sentences about errors of storage."""

from __future__ import annotations

from meta_pipeline.store.engine import storage_error


def test_the_words_of_a_path_say_nothing_about_the_cause() -> None:
    error = storage_error(PermissionError(13, "Permission denied", "/srv/fulfilment/blocked/control.sqlite"))

    assert error is not None and str(error).endswith("Permission denied; check who may write to its folder")
