"""Training pairs: alike means alike, hard negatives deceive in one thing only, splits hold, damage is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import small_library
from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.metrics import fingerprint_distance, rhythm_fingerprint
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.exports.label_encoding import label_code
from composer_core.pipeline.exports.master import build_master
from composer_core.pipeline.exports.pairs import (
    PairOptions,
    _chosen,
    _in_turn,
    _label_differences,
    _Part,
    _weights,
    build_pairs,
    describe,
)
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.pipeline.library import imports, loops
from composer_core.render.midi import loop_to_midi
from composer_core.store.master import MasterTable, read_master, row_digest, write_master
from composer_core.store.pairs import Pairs, read_pairs
from composer_core.workspace import Workspace

KICK, SNARE, HAT, RIDE = 36, 38, 42, 51
GROOVES = ("rock_happy", "rock_again", "rock_sad", "waltz_happy")

OWN = ((720, 1320, 1800), (600, 1200, 1680), (240, 840, 1560))


def _rock(*extra_ticks: int) -> Loop:
    """Straight 8ths, kick on 1 and 3, snare on 2 and 4, and kicks of its own: three of a bar's 15 notes, so that
    two are alike, but not near-duplicates (0.2)."""
    rows = [(bar * 1920 + eighth * 240, 60, HAT, 80) for bar in range(4) for eighth in range(8)]
    rows += [(bar * 1920 + tick, 60, KICK, 100) for bar in range(4) for tick in (0, 960, *extra_ticks)]
    rows += [(bar * 1920 + tick, 60, SNARE, 100) for bar in range(4) for tick in (480, 1440)]
    return Loop("drums", Notes.from_rows(rows), 4, 120.0)


def _sparse() -> Loop:
    """Kick and ride on other places than the rock ones: nothing in common but the tempo."""
    rows = [(bar * 1920 + tick, 60, RIDE, 90) for bar in range(4) for tick in (120, 840)]
    rows += [(bar * 1920 + 1680, 60, KICK, 90) for bar in range(4)]
    return Loop("drums", Notes.from_rows(rows), 4, 120.0)


@pytest.fixture(scope="module")
def library_of_four(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("pairs")
    folder = root / "files"
    folder.mkdir()
    for name, loop in zip(GROOVES, (*(_rock(*ticks) for ticks in OWN), _sparse()), strict=True):
        (folder / f"{name}.mid").write_bytes(loop_to_midi(loop))
    workspace = Workspace(root / "workspace").create()
    imports.ingest([str(folder)], workspace, jobs=1)
    rows = []
    for loop_id, source in loops.table(workspace)[["loop_id", "source"]].itertuples(index=False):
        mood = "sad" if "sad" in source else "happy"
        rows += [LabelRow(loop_id, "emotion", mood), LabelRow(loop_id, "genre", {"rock": 1.0}, 0.9)]
        rows += [LabelRow(loop_id, "technique", ["ghost"] if "sad" in source else ["ride"], 0.8)]
    import_labels(workspace, rows, "import:test")
    return workspace


@pytest.fixture(scope="module")
def master(library_of_four: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("master")
    build_master(library_of_four, folder)
    return in_split(folder, dict.fromkeys(GROOVES, "train"))


def in_split(folder: Path, split: dict[str, str]) -> Path:
    """The master data set with the loops of each title in the split asked for."""
    data = read_master(folder)
    for row in data.loops.rows:
        row["split"] = split[row["title"]]
        row["digest"] = row_digest(row)
    write_master(folder, MasterTable(data.loops.columns, data.loops.rows), data.songs, data.manifest["made_with"])
    return folder


def titles(master: Path, made: Pairs) -> dict[frozenset[str], dict[str, Any]]:
    names = {row["loop_id"]: row["title"] for row in read_master(master).loops.rows}
    return {frozenset((names[row["anchor"]], names[row["other"]])): row for row in made.pairs}


def test_what_is_alike_and_what_only_seems_so(master: Path, tmp_path: Path) -> None:
    build_pairs(master, tmp_path)
    found = titles(master, read_pairs(tmp_path))
    # Moods, genre and technique are compared. happy / again agree in all; sad differs from them
    # in mood (1) and technique (1) but not in genre (0): 2/3. The sparse one has the labels of the happy ones.
    alike = found[frozenset(("rock_happy", "rock_again"))]
    assert (alike["kind"], alike["reason"], alike["label_distance"]) == ("positive", "alike", 0.0)
    other_mood = found[frozenset(("rock_happy", "rock_sad"))]
    assert (other_mood["kind"], other_mood["reason"]) == ("hard_negative", "labels_differ")
    assert other_mood["label_distance"] == pytest.approx(2 / 3, abs=1e-4)
    other_rhythm = found[frozenset(("rock_happy", "waltz_happy"))]
    assert (other_rhythm["kind"], other_rhythm["reason"]) == ("hard_negative", "rhythm_differs")
    far = found[frozenset(("rock_sad", "waltz_happy"))]
    assert (far["kind"], far["reason"]) == ("negative", "far")
    distance = fingerprint_distance(rhythm_fingerprint(_rock(*OWN[2])), rhythm_fingerprint(_sparse()))
    assert far["rhythm_distance"] == pytest.approx(distance, abs=1e-3) and distance >= PairOptions().far_rhythm


def test_hard_negatives_are_alike_in_all_but_one_thing(tmp_path: Path) -> None:
    """Worked out on four places of one instrument: what each differs in from the first, by hand."""
    options = PairOptions()
    print_of, base = np.zeros((6, 58), np.float32), {"emotion_valence": 0.0, "emotion_arousal": 0.5}
    print_of[:, 0] = 1.0
    labels = [
        base | {"emotion": "happy", "genre": {"rock": 1.0}},
        base | {"emotion": "sad", "genre": {"rock": 1.0}},  # another mood alone: 1 of 4 fields, 0.25 in the mean
        base | {"emotion": "sad", "genre": {"jazz": 1.0}},  # two of four: 0.5 in the mean
        base | {"emotion": "happy", "genre": {"rock": 1.0}},  # the same labels, another swing
        {},  # no labels, another swing
        base | {"emotion": "sad", "emotion_valence": 0.6, "genre": {"rock": 1.0}},  # a mood, and 0.3 of valence between
    ]
    swing = ["straight", "straight", "straight", "swing_8", "swing_16", "straight"]
    part = _Part(
        [{"loop_id": str(i)} for i in range(6)],
        print_of,
        np.array(swing),
        np.array([str(i) for i in range(6)]),
        np.array([str(i) for i in range(6)]),
        {name: np.array([own.get(name, np.nan) for own in labels]) for name in base},
        np.array([own.get("emotion", "") for own in labels]),
        {"genre": _weights([own.get("genre") for own in labels])},
    )
    others = np.arange(1, 6)
    found = _chosen(part, 0, others, np.zeros(5), _label_differences(part, 0, others), options)
    assert {int(others[place]): reason for reason, place in found} == {
        1: "one_label_differs",
        2: "labels_differ",
        3: "rhythm_differs",
        4: "swing_differs",
    }
    # The turns: one of each reason before a second of any.
    many = {"labels_differ": [1, 2, 3], "rhythm_differs": [4], "swing_differs": [5, 6]}
    assert _in_turn(many, 4) == [
        ("labels_differ", 1), ("rhythm_differs", 4), ("swing_differs", 5), ("labels_differ", 2),
    ]  # fmt: skip


def test_no_pair_crosses_a_split(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "master")
    split = {"rock_happy": "train", "rock_again": "test", "rock_sad": "test", "waltz_happy": "train"}
    build_pairs(in_split(tmp_path / "master", split), tmp_path / "pairs")
    made = read_pairs(tmp_path / "pairs")
    assert set(titles(master, made)) == {
        frozenset(("rock_happy", "waltz_happy")),
        frozenset(("rock_again", "rock_sad")),
    }
    assert {row["split"] for row in made.texts} == {"train", "test"}


def test_the_same_seed_gives_the_same_pairs(master: Path, tmp_path: Path) -> None:
    first = build_pairs(master, tmp_path / "a", PairOptions(seed=3))
    assert first == build_pairs(master, tmp_path / "b", PairOptions(seed=3))
    assert (tmp_path / "a" / "pairs.jsonl").read_bytes() == (tmp_path / "b" / "pairs.jsonl").read_bytes()
    few = build_pairs(master, tmp_path / "c", PairOptions(positives=1, hard_negatives=0, negatives=0))
    assert set(describe(read_pairs(tmp_path / "c"))["reasons"]) == {"alike"} and few["digest"] != first["digest"]


def test_texts_say_what_the_labels_say_and_who_said_so(library_of_four: Workspace, tmp_path: Path) -> None:
    first = loops.table(library_of_four)["loop_id"][0]
    caption = {"caption_ja": "跳ねないロックのビート。"}
    decisions.decide(library_of_four, first, rater="aki", action="approve", values=caption, seen={})
    import_labels(library_of_four, [LabelRow(first, "section", "verse", 0.2)], "import:unsure")
    build_master(library_of_four, tmp_path / "master")
    build_pairs(tmp_path / "master", tmp_path / "pairs")
    rows = {row["language"]: row for row in read_pairs(tmp_path / "pairs").texts if row["loop_id"] == first}
    assert (rows["ja"]["text"], rows["ja"]["source"]) == ("跳ねないロックのビート。", "human:aki")
    assert rows["en"]["source"] == "rule:template"
    assert rows["en"]["text"].startswith("A happy Rock drum loop at 120 BPM")
    # A label of low confidence teaches nothing; the tokens say the same as the labels.
    assert "section" not in rows["en"]["labels"]
    assert label_code("drums").from_tokens(rows["en"]["tokens"]) == rows["en"]["labels"]
    decisions.undo(library_of_four, "aki")


def test_a_loop_that_was_left_out_is_in_no_pair(library_of_four: Workspace, tmp_path: Path) -> None:
    from composer_core.pipeline.library import duplicates

    first = loops.table(library_of_four)["loop_id"][0]
    duplicates.exclude(library_of_four, [first])
    manifest = build_master(library_of_four, tmp_path / "master")
    duplicates.restore(library_of_four, [first])
    assert manifest["made_with"]["left_out"] == 1
    build_pairs(tmp_path / "master", tmp_path / "pairs")
    made = read_pairs(tmp_path / "pairs")
    assert first not in {row[end] for row in made.pairs for end in ("anchor", "other")}
    assert first not in {row["loop_id"] for row in made.texts}


def test_a_library_without_labels_is_paired_by_rhythm(made_library: Workspace, tmp_path: Path) -> None:
    build_master(made_library, tmp_path / "master")
    build_pairs(tmp_path / "master", tmp_path / "pairs")
    made = read_pairs(tmp_path / "pairs")
    assert all(row["label_distance"] is None for row in made.pairs)
    # Without labels only the swing tells loops of one rhythm apart.
    assert {row["reason"] for row in made.pairs if row["kind"] == "hard_negative"} <= {"swing_differs"}
    assert len(made.texts) == 2 * small_library.N_LOOPS


@pytest.mark.parametrize("damage", ["value", "field", "kind", "twice", "split", "version", "cut"])
def test_what_is_not_whole_is_refused(master: Path, tmp_path: Path, damage: str) -> None:
    build_pairs(master, tmp_path)
    path, manifest = tmp_path / "pairs.jsonl", tmp_path / "pairs.json"
    lines = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[0])
    if damage == "version":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 9}))
    elif damage == "cut":
        path.write_text("\n".join(lines)[:-40], encoding="utf-8")
    else:
        changes: dict[str, dict[str, Any]] = {
            "value": {"rhythm_distance": 1.5},
            "field": {"weight": 1},
            "kind": {"kind": "negative", "reason": "alike"},
            "split": {"split": "test"},
            "twice": json.loads(lines[1]),
        }
        lines[0] = json.dumps(row | changes[damage])
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        read_pairs(tmp_path)
    assert refused.value.code == "damaged_store"


def test_bad_options_and_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        PairOptions(near_rhythm=0.7, far_rhythm=0.6)
    with pytest.raises(InvalidValue):
        PairOptions(positives=-1)
    for reading in (lambda: read_pairs(tmp_path), lambda: build_pairs(tmp_path, tmp_path / "out")):
        with pytest.raises(NotFound):
            reading()
