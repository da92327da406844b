"""The loopback listener."""

from __future__ import annotations

import pytest
import requests

from meta_pipeline.consent.local import Listener


def test_the_listener_returns_the_answer_and_logs_nothing_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    with Listener() as listener:
        requests.get(f"{listener.redirect_uri}?code=AQsecretcode&state=s", timeout=5)
        requests.get(f"{listener.redirect_uri}/elsewhere?code=AQsecretcode", timeout=5)
        answer = listener.answer(timeout_s=5)

    assert answer == {"code": "AQsecretcode", "state": "s"}
    assert "AQsecretcode" not in "".join(capfd.readouterr())
