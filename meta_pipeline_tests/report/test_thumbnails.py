"""Pictures of creatives are inlined when they are pictures, small, and inside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from meta_pipeline.report.thumbnails import ALTOGETHER, LARGEST, inlined

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def place(folder: Path, name: str, content: bytes) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def test_the_type_of_a_picture_follows_from_its_bytes(tmp_path: Path) -> None:
    paths = [place(tmp_path, "a.jpg", PNG), place(tmp_path, "b.png", JPEG), None]

    addresses = inlined(paths, folders=[str(tmp_path)])

    assert addresses["a.jpg"].startswith("data:image/png;base64,") and addresses["b.png"].startswith("data:image/jpeg;")


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", PNG + b"0" * LARGEST])
def test_a_file_that_is_no_picture_or_too_large_is_left_out(tmp_path: Path, content: bytes) -> None:
    assert inlined([place(tmp_path, "a.png", content)], folders=[str(tmp_path)]) == {}


@pytest.mark.parametrize("path", ["../secret.png", "a/../../secret.png", "{tmp}/secret.png", "missing.png"])
def test_a_path_out_of_the_folder_is_left_out(tmp_path: Path, path: str) -> None:
    place(tmp_path, "secret.png", PNG)
    (tmp_path / "inside").mkdir()

    assert inlined([path.format(tmp=tmp_path)], folders=[str(tmp_path / "inside")]) == {}


def test_pictures_beside_the_published_file_come_first(tmp_path: Path) -> None:
    place(tmp_path / "published", "a.png", PNG)
    place(tmp_path / "landing", "a.png", JPEG)
    folders = [str(tmp_path / "published"), str(tmp_path / "landing")]

    assert "image/png" in inlined(["a.png"], folders=folders)["a.png"]


def test_the_total_size_of_inlined_pictures_is_bounded(tmp_path: Path) -> None:
    count = ALTOGETHER // LARGEST + 5
    paths = [place(tmp_path, f"{number}.png", PNG + b"0" * (LARGEST - len(PNG))) for number in range(count)]

    assert len(inlined(paths, folders=[str(tmp_path)])) == ALTOGETHER // LARGEST
