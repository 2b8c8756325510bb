"""Damaged files: noted while they are as they were, told from whole ones at a glance, set aside and never deleted."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from composer_core.errors import NotFound, StoreError
from composer_core.store.atomic import read_json
from composer_core.store.damage import (
    ARROW,
    PARQUET,
    is_noted,
    looks_whole,
    note_damage,
    noted,
    readable,
    set_aside,
)


def test_a_note_stands_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{")
    note_damage(path, "cut off")
    assert is_noted(path)
    assert [(damage.path, damage.reason) for damage in noted(tmp_path)] == [(path, "cut off")]
    assert noted(tmp_path / "elsewhere") == []
    path.write_text("{}")
    assert not is_noted(path) and noted(tmp_path) == []


def test_a_missing_file_is_noted_until_it_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    note_damage(path, "missing")
    assert is_noted(path)
    path.write_text("here")
    assert not is_noted(path)


def test_what_is_damaged_is_left_out_and_other_errors_are_not(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("b", "{"), ("c", "3")):
        (tmp_path / name).write_text(text)
    assert list(readable(sorted(tmp_path.iterdir()), read_json)) == [1, 3]
    assert [damage.path.name for damage in noted(tmp_path)] == ["b"]

    def refuse(path: Path) -> object:
        raise NotFound("path_missing", path=str(path))

    with pytest.raises(NotFound):
        list(readable([tmp_path / "a"], refuse))


def test_tables_are_told_from_what_is_left_of_them(tmp_path: Path) -> None:
    table = pa.table({"n": list(range(1000))})
    pq.write_table(table, tmp_path / "x.parquet")
    with pa.ipc.new_file(str(tmp_path / "x.arrow"), table.schema) as writer:
        writer.write_table(table)
    for name, magic in (("x.parquet", PARQUET), ("x.arrow", ARROW)):
        data = (tmp_path / name).read_bytes()
        assert looks_whole(tmp_path / name, magic)
        for number, left in enumerate((b"", data[:1], data[:-1], data[: len(data) // 2], bytes(len(data)), data[1:])):
            path = tmp_path / f"{number}{name}"
            path.write_bytes(left)
            assert not looks_whole(path, magic), (name, number)
    assert not looks_whole(tmp_path / "none", PARQUET)


def test_a_file_set_aside_keeps_its_content_and_its_place_below_the_root(tmp_path: Path) -> None:
    path = tmp_path / "library" / "loops" / "part"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"noise")
    first = set_aside(tmp_path, path)
    assert not path.exists() and first.read_bytes() == b"noise"
    assert first.relative_to(tmp_path).parts[0] == "set-aside" and first.relative_to(tmp_path).parts[2:] == (
        "library", "loops", "part",
    )  # fmt: skip
    path.write_bytes(b"more")
    assert set_aside(tmp_path, path) != first and first.read_bytes() == b"noise"
    with pytest.raises(StoreError, match="cannot be written"):
        set_aside(tmp_path, path)
    assert os.listdir(tmp_path / "library" / "loops") == []
