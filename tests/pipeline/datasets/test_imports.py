"""The contract of the adapters, one test id each, on small folders in the layout of every data set."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import smf
from composer_core.errors import InvalidValue, NotFound
from composer_core.ingest.cut import cut
from composer_core.ingest.datasets.adapter import ISSUES
from composer_core.ingest.datasets.beat_files import on_its_beats
from composer_core.ingest.datasets.registry import ADAPTERS, detect
from composer_core.ingest.midi import read_song
from composer_core.pipeline.datasets.imports import ingest_with_facts
from composer_core.pipeline.datasets.progressions import progressions
from composer_core.pipeline.labels.decisions import current
from composer_core.pipeline.library import loops, reread
from composer_core.pipeline.library.imports import ingest
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops.store import LoopStore
from composer_core.store.songs import SongStore
from composer_core.workspace import Workspace
from dataset_folders import FOLDERS, LABELS, MATCHED, PIANO, make, put

NAMES = list(ADAPTERS)
ZIPPED = [name for name in NAMES if name not in ("folder", "suno")]
ZIPPED_FIRST = (("gmd", "a set/inside/"), ("emopia", ""), ("pop909", ""), ("free-midi-chords", ""))
"""Sets with splits, labels, beats and progressions; the long test has the others, and both places."""
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
REAL = {
    "gmd": ("cc-by/gmd", 1021),
    "emopia": ("nc/emopia", 990),
    "pop909": ("mit/pop909", 812),
    "openscore": ("cc0/openscore-quartets", 109),
    "ryans": ("pd/ryans-mammoth", 929),
    "drum-machine-patterns": ("mit/drum-machine-patterns", 405),
    "free-midi-chords": ("mit/free-midi-chords", 0),
    "mma": ("gpl/mma-stdlib", 920),
    "folder": ("artistic/simutrans", 49),
}
"""Folder and number of MIDI files of the sets that are at hand."""


@dataclass
class Imported:
    """One data set in a library of its own, with what its first import said."""

    name: str
    folder: Path
    workspace: Workspace
    found: dict[str, Any]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="module")
def imported_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Imported]:
    """Gives a data set by its name, its folder imported at the first call."""

    @cache
    def of(name: str) -> Imported:
        root = tmp_path_factory.mktemp(name)
        workspace = Workspace(root / "workspace")
        folder = make(name, root)
        return Imported(name, folder, workspace, read(folder, workspace))

    return of


@pytest.fixture(scope="module", params=NAMES)
def imported(request: pytest.FixtureRequest, imported_once: Callable[[str], Imported]) -> Imported:
    """Each data set's folder, imported once for the tests that share it."""
    return imported_once(request.param)


def read(folder: Path, workspace: Workspace, **options: Any) -> dict[str, Any]:
    (found,) = ingest_with_facts([str(folder)], workspace, jobs=1, **options).datasets
    return found


def test_every_adapter_says_what_it_is() -> None:
    for name, adapter in ADAPTERS.items():
        assert adapter.name == name and adapter.title and adapter.source
        assert adapter.tested_on == ("real files" if name in REAL else "fixtures")
    assert set(FOLDERS) == set(LABELS) == set(ADAPTERS)


@pytest.mark.parametrize("name", NAMES)
def test_knows_its_own_folder_and_no_other(name: str, tmp_path: Path) -> None:
    assert detect(make(name, tmp_path)).name == name


def test_reads_its_folder(imported: Imported) -> None:
    name, found = imported.name, imported.found
    assert (found["name"], found["detected"]) == (name, True)
    assert found["matched"] == MATCHED.get(name, 1)
    assert found["rows"] and found["changed"]
    issues = found["unmatched"] + found["refused"]
    assert all(issue["reason"] in ISSUES and issue["message"] and issue["place"] for issue in issues)
    if name not in ("folder", "suno", "xmidi"):
        # Each of the other folders has a file without a row or a row without a file, and a bad row.
        assert found["unmatched"] and found["refused"]
    assert found["labels"]["n_refused"] == 0


def test_labels_are_what_the_rows_say(imported: Imported) -> None:
    name, workspace = imported.name, imported.workspace
    songs = SongStore(workspace).table()
    table = loops.table(workspace)
    loop_ids = table[table["source_digest"].isin(songs[songs["file"] != "y.mid"]["source_digest"])]["loop_id"]
    assert len(loop_ids) or not LABELS[name]
    for loop_id in loop_ids:
        labels = current(workspace, loop_id).fields
        own = {field: label.value for field, label in labels.items() if label.source == f"import:{name}"}
        assert own == LABELS[name]
        assert all(0 < label.confidence <= 1 for label in labels.values())


def test_again_changes_nothing_and_a_person_stays_right(imported: Imported) -> None:
    workspace = imported.workspace
    store = LabelStore(workspace.labels)
    loop_ids = list(loops.table(workspace)["loop_id"])
    for loop_id in loop_ids:
        entry = Entry(loop_id, "genre", {"folk": 1.0}, "approved")
        store.write("mika", "approve", loop_id, [entry], seen_of(store, loop_id))
    before = (store.events(), SongStore(workspace).table(), progressions(workspace), loops.digest(workspace))
    again = read(imported.folder, workspace)
    after = (store.events(), SongStore(workspace).table(), progressions(workspace), loops.digest(workspace))
    assert not again["changed"] and again["labels"]["written"] == 0
    assert before[0] == after[0] and before[2:] == after[2:] and before[1].equals(after[1])
    assert all(current(workspace, loop_id).values["genre"] == {"folk": 1.0} for loop_id in loop_ids)


def seen_of(store: LabelStore, loop_id: str) -> dict[str, int]:
    return {event.field: event.id for event in store.history(loop_id)}


def test_a_row_that_points_elsewhere_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    found = read(make("gmd", tmp_path), workspace)
    assert [(issue["place"], issue["reason"]) for issue in found["refused"]] == [
        ("info.csv line 4", "bad_row"),
        ("info.csv line 5", "outside"),
    ]


def test_the_name_and_the_table_of_emopia_must_agree(tmp_path: Path, workspace: Workspace) -> None:
    found = read(make("emopia", tmp_path), workspace)
    assert [issue["reason"] for issue in found["refused"]] == ["contradiction"]


def test_songs_have_title_composer_split_and_group(tmp_path: Path, workspace: Workspace) -> None:
    for name in ("gmd", "openscore"):
        read(make(name, tmp_path / name), workspace)
    rows = SongStore(workspace).table().set_index("dataset")
    assert tuple(rows.loc["gmd"][["title", "split", "source_group"]]) == ("1", "train", "drummer1/session1")
    assert tuple(rows.loc["openscore"][["title", "composer"]]) == ("Quartet No.1", "Béla Bartók")
    assert SongStore(workspace).of(rows.loc["gmd"]["source_digest"])[0].dataset == "gmd"


def test_progressions_carry_chords_and_moods(tmp_path: Path, workspace: Workspace) -> None:
    read(make("free-midi-chords", tmp_path), workspace)
    (found,) = progressions(workspace)
    assert (found.mode, found.moods, found.tags) == ("major", ("happy", "romantic"), ("Joyful", "Tender"))
    assert [str(chord) for chord in found.chords(7)] == ["G", "Em", "C", "D7"]
    assert progressions(workspace, "sad") == []


def test_tags_of_folders_inside_an_archive(tmp_path: Path, workspace: Workspace) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        archive.writestr("Bossa nova/calm/a.mid", PIANO)
    found = read(tmp_path / "pack.zip", workspace)
    assert (found["name"], found["matched"]) == ("folder", 1)
    (loop_id,) = loops.table(workspace)["loop_id"]
    assert current(workspace, loop_id).values == {"genre": {"latin-brazilian-bossa": 1.0}, "emotion": "calm"}


def test_a_set_may_be_named(tmp_path: Path, workspace: Workspace) -> None:
    folder = put(tmp_path / "set", {"XMIDI_sad_pop_01234567.mid": PIANO})
    assert read(folder, workspace, dataset="folder")["detected"] is False
    with pytest.raises(InvalidValue, match="gmd"):
        ingest_with_facts([str(folder)], workspace, dataset="gdm")
    with pytest.raises(NotFound):
        ingest_with_facts([str(tmp_path / "nope")], Workspace(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_hostile_indexes_are_refused_by_name(tmp_path: Path, workspace: Workspace, canaries: Path) -> None:
    corpus = DATA / "malformed" / "pickle"
    if not corpus.is_dir():
        pytest.skip(f"{corpus} is not there")
    folder = tmp_path / "set"
    folder.mkdir()
    names = [path.name for path in sorted(corpus.glob("*.pickle"))]
    for name in names:
        shutil.copy(corpus / name, folder / f"META_DATA_{name}")
    found = read(folder, workspace)
    assert found["name"] == "lamda" and found["matched"] == 0
    spoken_of = {issue["place"].rsplit("/", 1)[-1].split(" ")[0] for issue in found["refused"]}
    assert spoken_of == {f"META_DATA_{name}" for name in names}
    assert list(canaries.iterdir()) == []


ONE_BEAT_BARS = smf.smf(
    smf.notes([(beat * 480, 240, 60 + beat % 12) for beat in range(16)], smf.tempo(120), smf.meter(1, 2))
)
"""16 quarters at 120 a minute in 1/4: a note every half second, as POP909's own files are written."""


def pop909_folder(folder: Path, beats: str | None) -> Path:
    files: dict[str, bytes | str] = {"001/001.mid": ONE_BEAT_BARS, "001/chord_midi.txt": "0.0\t8.0\tC:maj\n"}
    files["001/key_audio.txt"] = "0.0\t4.5\tC:maj\n4.5\t8.0\tD:maj\n"
    return put(folder / "set", files | ({} if beats is None else {"001/beat_midi.txt": beats}))


def test_pop909_is_cut_by_its_beats(tmp_path: Path, workspace: Workspace) -> None:
    # Beats every half second, bar lines at 0.5 s, 2.5 s, ...: the note at 0 s begins a bar at -1.5 s.
    beats = "".join(f"{beat / 2} {beat % 2:.1f} {beat % 4 == 1:.1f}\n" for beat in range(18))
    folder = pop909_folder(tmp_path, beats)
    report = ingest_with_facts([str(folder)], workspace, bars=2, jobs=1)
    assert report.warnings == []
    table = loops.table(workspace).sort_values("start_bar")
    assert table[["meter", "start_bar", "bars"]].to_numpy().tolist() == [["4/4", 0, 2], ["4/4", 2, 2], ["4/4", 4, 1]]
    assert [len(loops.load_loop(workspace, one).notes) for one in table["loop_id"]] == [5, 8, 3]
    # Seconds -1.5 to 2.5, 2.5 to 6.5 and 6.5 to 8.5: keys go by the recording's seconds, 2.0 of the second's 4 are C.
    keys = [current(workspace, loop_id).values["key_root"] for loop_id in table["loop_id"]]
    assert keys == ["C", "C", "D"]
    assert [loop.meter.numerator for loop in loops.loops_for_training(folder, "piano", jobs=1)] == [4]


def test_an_old_library_of_pop909_is_read_again_on_its_beats(tmp_path: Path, workspace: Workspace) -> None:
    """Bars of one beat, as an earlier reading cut them; the set's facts came with a later import."""
    folder = pop909_folder(tmp_path, "".join(f"{beat / 2} {beat % 2:.1f} {beat % 4 == 1:.1f}\n" for beat in range(18)))
    ingest([str(folder)], workspace, jobs=1)
    store = LoopStore(workspace)
    assert set(_pop909(workspace)) == {"1/4"}
    for name in store.part_names():
        number = store.part_table(name).column("reading")
        store.replace_columns(name, {"reading": pa.nulls(len(number), number.type)})
    report = ingest_with_facts([str(folder)], workspace, jobs=1)
    assert (report.loops_added, report.files_improved) == (0, 1)
    done = reread.reread(workspace, jobs=1)
    assert done.not_reread == [] and done.classes["meter"] > 0
    assert set(_pop909(workspace)) == {"4/4"}
    assert reread.reread(workspace, jobs=1).n_loops == 0


def _pop909(workspace: Workspace) -> list[str]:
    return list(loops.table(workspace)["meter"])


@pytest.mark.parametrize(
    ("beats", "warned"), [(None, "beats_missing"), ("0.0 1.0 1.0\n0.5 0.0\n", "beats_damaged"), ("\0", "beats_damaged")]
)
def test_beats_that_cannot_be_read_are_told(
    beats: str | None, warned: str, tmp_path: Path, workspace: Workspace
) -> None:
    report = ingest_with_facts([str(pop909_folder(tmp_path, beats))], workspace, jobs=1)
    assert sorted(one["code"] for one in report.warnings) == [warned, "meter_doubtful"]
    assert set(loops.table(workspace)["meter"]) == {"1/4"}


def test_beats_are_their_own_sets_alone(tmp_path: Path, workspace: Workspace) -> None:
    folder = pop909_folder(tmp_path, "".join(f"{beat / 2} 1.0 1.0\n" for beat in range(18)))
    report = ingest_with_facts([str(folder)], workspace, dataset="folder", jobs=1)
    assert [one["code"] for one in report.warnings] == ["meter_doubtful"]
    one_file = ingest_with_facts([str(folder / "001" / "001.mid")], Workspace(tmp_path / "b"), dataset="pop909", jobs=1)
    assert one_file.warnings == []


def test_beats_inside_an_archive_are_told_to_be_left_out(tmp_path: Path, workspace: Workspace) -> None:
    folder = pop909_folder(tmp_path, "0.0 1.0 1.0\n0.5 0.0 0.0\n")
    with zipfile.ZipFile(tmp_path / "pop.zip", "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder))
    found = read(tmp_path / "pop.zip", workspace)
    assert (found["name"], found["matched"]) == ("pop909", 1)
    assert "beats_packed" in [issue["reason"] for issue in found["refused"]]


@pytest.mark.slow
def test_pop909s_bars_have_four_beats() -> None:
    folder = DATA / "mit" / "pop909"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    bars: Counter[str] = Counter()
    for path in sorted(folder.glob("[0-9]*/[0-9]*.mid"))[::20]:
        song, warnings = on_its_beats(read_song(path.read_bytes(), str(path)), str(path), {str(folder): "pop909"})
        assert warnings == []
        for loop in cut(song, 4):
            bars[str(loop.meter)] += loop.bars
    assert bars["4/4"] >= 0.93 * bars.total() and "1/4" not in bars


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_reads_the_real_files(name: str, workspace: Workspace) -> None:
    folder, n_files = DATA / REAL[name][0], REAL[name][1]
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    adapter = ADAPTERS[name]
    assert detect(folder) is adapter
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.mid")]
    parsed = [adapter.parse(str(path), path.read_bytes()) for path in adapter.indexes(folder)]
    reading = adapter.facts(files, parsed)
    assert len(files) == n_files == len(reading.by_file)
    assert reading.n_rows and not reading.unmatched and not reading.refused
    if name == "free-midi-chords":
        assert len(reading.progressions) == 190


@pytest.mark.slow
@pytest.mark.parametrize("name", ZIPPED)
@pytest.mark.parametrize("below", ["", "a set/inside/"])
def test_every_zipped_set_says_what_its_folder_says(
    name: str, below: str, tmp_path: Path, imported_once: Callable[[str], Imported]
) -> None:
    """Labels, song facts and progressions come along out of an archive too; of suno the audio names are needed."""
    assert_zipped_says_the_same(imported_once(name), below, tmp_path)


@pytest.mark.parametrize(("name", "below"), ZIPPED_FIRST)
def test_a_zipped_set_says_what_its_folder_says(
    name: str, below: str, tmp_path: Path, imported_once: Callable[[str], Imported]
) -> None:
    assert_zipped_says_the_same(imported_once(name), below, tmp_path)


def assert_zipped_says_the_same(of_folder: Imported, below: str, tmp_path: Path) -> None:
    name, folder, expected = of_folder.name, of_folder.folder, of_folder.found
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, below + path.relative_to(folder).as_posix())
    workspace = Workspace(tmp_path / "library")
    found = read(tmp_path / "set.zip", workspace)
    # Inside an archive beats are not read, which is told once.
    assert found["n_refused"] == expected["n_refused"] + (ADAPTERS[name].beats is not None)
    for same in ("name", "rows", "matched", "n_unmatched", "unknown_words", "progressions"):
        assert found[same] == expected[same], same
    assert found["labels"]["written"] == expected["labels"]["written"]
    columns = ["source_digest", "title", "composer", "split", "source_group", "extra"]
    songs, of_it = (SongStore(one).table().sort_values("source_digest") for one in (workspace, of_folder.workspace))
    assert songs[columns].to_dict("records") == of_it[columns].to_dict("records")
    assert not any("composer-set-" in issue["message"] for issue in found["unmatched"] + found["refused"])
