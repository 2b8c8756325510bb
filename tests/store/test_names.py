"""Other names of files: kept once, found by any word in any case, gathered without losing one."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer_core.errors import StoreError
from composer_core.store import names
from composer_core.store.names import NameStore, OtherName
from composer_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def test_kept_once_and_found_by_words(workspace: Workspace) -> None:
    store = NameStore(workspace)
    assert store.all() == [] and store.with_word("mix") == ()
    first, second = OtherName("d1", "/songs/Final Mix.mid"), OtherName("d2", "/pack.zip", "歌/mix.mid")
    assert store.add([first, second, first]) == 2
    assert store.add([second]) == 0
    assert store.with_word("MIX") == ("d1", "d2")
    assert store.with_word("歌") == ("d2",)
    assert store.of("d2") == [second]


def test_a_name_that_is_no_text_is_kept_as_loops_keep_theirs(workspace: Workspace) -> None:
    store = NameStore(workspace)
    broken = OtherName("d", "/songs/\udce9t\udce9.mid")
    assert store.add([broken]) == 1 and store.add([broken]) == 0
    assert len(store.of("d")) == 1


def test_many_parts_are_gathered_and_none_is_lost(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_MANY_PARTS", 3)
    store = NameStore(workspace)
    for number in range(8):
        before = store.digest()
        store.add([OtherName(f"d{number}", f"{number}.mid")])
        assert store.digest() != before
    assert {name.source_digest for name in store.all()} == {f"d{number}" for number in range(8)}
    assert len(list(workspace.other_names.glob("part-*.parquet"))) <= 3


def test_a_damaged_part_is_named(workspace: Workspace) -> None:
    store = NameStore(workspace)
    store.add([OtherName("d", "a.mid")])
    (part,) = workspace.other_names.glob("part-*.parquet")
    part.write_bytes(b"noise")
    with pytest.raises(StoreError, match=r"part-000001\.parquet"):
        store.all()
