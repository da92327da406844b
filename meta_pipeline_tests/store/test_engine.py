"""The messages of storage errors."""

from __future__ import annotations

from meta_pipeline.store.engine import storage_error


def test_words_in_a_path_are_not_mistaken_for_the_cause() -> None:
    error = storage_error(PermissionError(13, "Permission denied", "/srv/fulfilment/blocked/control.sqlite"))

    assert error is not None and str(error).endswith("Permission denied; check who may write to its folder")
