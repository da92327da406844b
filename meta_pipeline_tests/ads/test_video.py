"""The properties that are read from a video file's index, and the errors of damaged files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.web.generated_requests import generated
from meta_pipeline.files.video import VideoError, VideoFacts, read_video
from meta_pipeline_tests.fakes.videos import box, reel


def read(folder: Path, content: bytes) -> VideoFacts:
    (folder / "x.mp4").write_bytes(content)
    return read_video(folder / "x.mp4")


@pytest.mark.parametrize("has_index_last", [False, True])
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("is_rotated", [False, True])
def test_length_size_and_codecs_are_read(
    tmp_path: Path, version: int, is_rotated: bool, has_index_last: bool
) -> None:
    content = reel(
        seconds=12.5, width=720, height=1280, codec=b"hvc1", size=9_000, version=version, is_rotated=is_rotated,
        has_index_last=has_index_last,
    )
    facts = read(tmp_path, content)

    assert (facts.duration_s, facts.width, facts.height, facts.size) == (12.5, 720, 1280, 9_000)
    assert (facts.video_codec, facts.audio_codec, facts.ratio) == ("hvc1", "mp4a", 0.5625)
    assert read(tmp_path, reel(sound=None, size=9_000)).audio_codec is None


@pytest.mark.parametrize(
    "content,message", [
        (b"", "cut off|not an MP4"), (b"GIF89a" + bytes(100), "not an MP4|longer"), (b"\x89PNG\r\n\x1a\n" + bytes(90), "not an MP4|longer"),
        (reel(size=5_000)[:3_000], "longer than the file"), (box(b"ftyp", b"isom", bytes(4)), "no index"),
        (box(b"ftyp", b"isom", bytes(4)) + box(b"moov"), "no index"),
        (box(b"moov", struct.pack(">I4s", 9_999, b"trak")), "longer than the whole"),
        (box(b"moov", box(b"mvhd", b"\0")), "index can't be read"), (box(b"moov", box(b"trak", box(b"tkhd"))), "can't be read"),
    ],
)
def test_a_file_that_is_no_video_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        read(tmp_path, content)


def test_a_missing_file_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="can't be read: No such file"):
        read_video(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match="can't be read"):
        read_video(tmp_path)


CONTENT = reel(size=2_500)


@generated(200)
@given(data=st.data())
def test_a_made_up_video_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Read valid videos after bytes of them were changed, cut off, inserted and removed."""
    content = bytearray(data.draw(st.sampled_from([CONTENT, reel(size=2_500, has_index_last=True), reel(size=2_500, version=1)])))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        match data.draw(st.sampled_from(["change", "cut", "insert", "remove", "length"])):
            case "change" if content:
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at:]
            case "insert":
                content[at:at] = data.draw(st.binary(max_size=64))
            case "remove":
                del content[at : at + data.draw(st.integers(1, 64))]
            case "length":
                content[at : at + 4] = data.draw(st.sampled_from([bytes(4), b"\xff" * 4, b"\0\0\0\1", b"\x7f\xff\xff\xff"]))
    try:
        facts = read(tmp_path, bytes(content))
    except VideoError as error:
        assert "\n" not in str(error) and len(str(error)) < 200
    else:
        assert facts.width > 0 and facts.height > 0 and facts.duration_s >= 0 and facts.size == len(content)


@generated(100)
@given(content=st.binary(max_size=600))
def test_made_up_bytes_are_no_video(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(VideoError):
        read(tmp_path, content)
