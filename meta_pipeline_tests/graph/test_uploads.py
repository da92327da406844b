"""Uploads go only to the host for uploads, in pieces, with the token and without a form."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.graph.errors import GraphError, TransientError
from meta_pipeline.graph.request import Piece
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.graph.wire import UPLOAD_URL, upload_url_of
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.world.cast import PAGES

CONTENT = bytes(range(200)) * 5


def page_token(runtime: FrozenRuntime) -> AccessToken:
    person = runtime.graph.identity.mint("USER", scopes=(*ALL_SCOPES, "pages_manage_posts"), now=runtime.clock.now(), life=None)
    return AccessToken(kind="page", value=runtime.graph.identity.page_token(PAGES[0].id, person, runtime.clock.now()))


def test_a_broken_upload_resumes_where_it_stopped(tmp_path: Path) -> None:
    runtime = FrozenRuntime(tmp_path)
    token = page_token(runtime)
    kind = WriteKind.PAGE_UPLOAD
    started = runtime.client.write(
        WriteKind.PAGE_PUBLISHING, f"{PAGES[0].id}/video_reels", {"upload_phase": "start"}, token=token, plan_id="p"
    ).object
    runtime.graph.faults.plan([{"fault": "upload_broken", "path": "video-upload"}])

    def send(piece: Piece) -> GraphResponse:
        return runtime.client.upload(kind, started["upload_url"], piece, token=token, plan_id="p")

    with pytest.raises(TransientError):
        send(Piece(content=io.BytesIO(CONTENT), size=len(CONTENT)))
    rest = io.BytesIO(CONTENT)
    rest.seek(500)
    with pytest.raises(GraphError, match="400"):
        send(Piece(content=io.BytesIO(CONTENT), size=len(CONTENT)))
    assert send(Piece(content=rest, offset=500, size=len(CONTENT))).object["success"] is True
    assert bytes(runtime.graph.publishing.uploads.by_id[started["video_id"]].content) == CONTENT
    assert {event.plan_id for event in runtime.events} == {"p"} and all(token.value not in repr(e) for e in runtime.events)


@pytest.mark.parametrize(
    "address", ["https://evil.example/video-upload/v24.0/1", "http://sandbox.evil/video-upload/v24.0/1", "http://sandbox@evil/x",
                "http://sandbox/1/feed", "http://sandbox/video-upload/v24.0/1?x=1", "http://[", "", "http://sandbox/video-upload/../1"],
)
def test_nothing_is_uploaded_anywhere_else(tmp_path: Path, address: str) -> None:
    runtime = FrozenRuntime(tmp_path)

    with pytest.raises(ConfigError, match=r"nothing was (uploaded|sent)"):
        runtime.client.upload(
            WriteKind.PAGE_UPLOAD, address, Piece(content=io.BytesIO(b"x"), size=1), token=page_token(runtime), plan_id="p"
        )
    assert runtime.events == []


def test_the_host_for_uploads_is_metas_only_when_graph_is_metas() -> None:
    assert upload_url_of("https://graph.facebook.com") == UPLOAD_URL
    assert upload_url_of("http://127.0.0.1:8700") == "http://127.0.0.1:8700"
