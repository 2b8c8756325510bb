"""Uploads kept by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.pipeline.library.uploads import keep_upload, safe_name
from composer_core.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fill.mid", "fill.mid"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.mid", "boot.mid"),
        ("a/b/ドラム 1.mid", "ドラム 1.mid"),
        ("a\x00b\n.mid", "a_b_.mid"),
        ("..", "upload"),
        ("", "upload"),
        ("a/", "upload"),
        ('x<y>:"|?*.mid', "x_y______.mid"),
        ("._fill.mid", "._fill.mid"),
        ("no ending", "no ending"),
    ],
)
def test_names_stay_inside_their_folder(name: str, expected: str) -> None:
    assert safe_name(name) == expected


def test_long_names_keep_their_ending_and_whole_characters() -> None:
    name = safe_name("長" * 200 + ".midi")
    assert name.endswith("長.midi")
    assert len(name.encode()) <= 180


def test_same_content_is_stored_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).create()
    first = keep_upload(workspace, "a.mid", b"MThd")
    assert keep_upload(workspace, "x/a.mid", b"MThd") == first
    assert first.read_bytes() == b"MThd"
    other = keep_upload(workspace, "a.mid", b"MThd2")
    assert other != first
    assert other.name == first.name == "a.mid"
    assert other.parent.parent == workspace.sources
