"""Which files an import reads, by name alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from composer_core.errors import NotFound
from composer_core.ingest.scan import find_files, kind_of, relative_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mid", "midi"),
        ("A.MIDI", "midi"),
        ("歌.kar", "midi"),
        ("b/c.rmi", "midi"),
        ("a.zip", "zip"),
        ("a.tar.gz", "tar"),
        ("a.TGZ", "tar"),
        ("._a.mid", None),
        ("__MACOSX/._a.mid", None),
        ("info.csv", None),
        ("a.txt", None),
        ("a.mid.gz", None),
        ("midi", None),
        ("a.midi2", None),
    ],
)
def test_kinds(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_walks_folders_in_name_order(tmp_path: Path) -> None:
    for name in ("b/2.mid", "b/10.mid", "a/日本.mid", "a/._日本.mid", "c.zip", "info.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_files([str(tmp_path)])
    names = [(relative_name(path, tmp_path), kind) for path, kind in found.files]
    assert names == [("c.zip", "zip"), ("a/日本.mid", "midi"), ("b/10.mid", "midi"), ("b/2.mid", "midi")]
    assert found.n_skipped == 2


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(b"")
    assert len(find_files([str(path), str(path), str(tmp_path)]).files) == 1


def test_circles_of_links_end(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.mid").write_bytes(b"")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.mid").symlink_to(tmp_path / "a" / "x.mid")
    names = [relative_name(path, tmp_path) for path, _ in find_files([str(tmp_path)]).files]
    assert names == ["link.mid", "a/x.mid"]


def test_missing_paths_are_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nope\.mid does not exist"):
        find_files([str(tmp_path), str(tmp_path / "nope.mid")])


def test_folders_that_may_not_be_listed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "a.mid").write_bytes(b"")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = find_files([str(tmp_path)])
    assert [refusal.code for refusal in found.refused] == ["permission_denied"]
    assert "shut" in str(found.refused[0])
    assert len(found.files) == 1
