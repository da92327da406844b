"""What is taken out of texts."""

from __future__ import annotations

from meta_pipeline.graph.redaction import redacted, without


def test_a_secret_that_is_a_part_of_another_leaves_nothing_of_it() -> None:
    assert without("EAAB and EAABlonger", ["EAAB", "EAABlonger"]) == "… and …"


def test_where_a_secret_stands_nothing_is_left_though_it_is_not_known() -> None:
    sent = '{"access_token":"T","next":"http://x?a=1&appsecret_proof=P"}'

    assert redacted(sent, []) == '{"access_token":"…","next":"http://x?a=1&appsecret_proof=…"}'
