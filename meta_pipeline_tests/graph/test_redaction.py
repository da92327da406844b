"""Secrets are removed from texts."""

from __future__ import annotations

from meta_pipeline.graph.redaction import redacted, without


def test_a_secret_that_contains_another_is_removed_completely() -> None:
    assert without("EAAB and EAABlonger", ["EAAB", "EAABlonger"]) == "… and …"


def test_an_unknown_secret_is_removed_by_the_name_of_its_field() -> None:
    sent = '{"access_token":"T","next":"http://x?a=1&appsecret_proof=P"}'

    assert redacted(sent, []) == '{"access_token":"…","next":"http://x?a=1&appsecret_proof=…"}'
