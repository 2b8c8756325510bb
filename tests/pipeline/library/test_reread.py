"""Files of an earlier release read again: what changes, what stays, what is carried over, and all of it back again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import smf
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import duplicates, reread
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.readings import loops_of_part, old_parts
from composer_core.pipeline.library.rereading import read_again
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.loops.exchanges import counted_parts, exchanges
from composer_core.store.loops.staging import exchanging
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace
from small_library import unpack_misread

N_LOOPS, N_FILES, N_CHANGED = 14, 9, 7
UPLOAD = "上がり.mid"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace as its release left it, and one in which the preview has read everything (`read`)."""
    folder = tmp_path_factory.mktemp("misread")
    workspace = unpack_misread(folder)
    before = Path.cwd()
    os.chdir(folder / "misread")
    try:
        shutil.copytree("workspace", "old")
        reread.preview(workspace, jobs=1)
        Path("workspace").rename("read")
    finally:
        os.chdir(before)
    return folder / "misread"


@pytest.fixture
def old(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace as its release left it."""
    shutil.copytree(template / "files", tmp_path / "files")
    shutil.copytree(template / "old", tmp_path / "workspace")
    monkeypatch.chdir(tmp_path)
    return Workspace(Path("workspace"))


@pytest.fixture
def read(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same after a preview, so that a re-read has nothing to read."""
    shutil.copytree(template / "files", tmp_path / "files", copy_function=shutil.copy2)
    shutil.copytree(template / "read", tmp_path / "workspace", copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path)
    return Workspace(Path("workspace"))


def contents(workspace: Workspace) -> dict[str, Any]:
    """All that counts in a library: rows in their order, notes, current labels and exclusions of its loops."""
    table = LoopStore(workspace).table()
    ids = list(table["loop_id"])
    labels = LabelStore(workspace.labels).view(ids)
    return {
        "rows": table.drop(columns=[name for name in table if name.startswith("metrics.")]).to_json(date_format="iso"),
        "notes": [loop.notes.rows() for loop in LoopStore(workspace).load_many(ids)],
        "labels": {loop_id: {name: str(one) for name, one in of.items()} for loop_id, of in sorted(labels.items())},
        "excluded": sorted(loop_id for loop_id in ExclusionStore(workspace).current() if loop_id in ids),
    }


def loops_of(workspace: Workspace, source: str) -> list[tuple[str, int, int, int]]:
    """(instrument, start bar, bars, notes) of the loops cut from a file."""
    table = LoopStore(workspace).table()
    rows = table[table["source"].str.endswith(source)].sort_values(["instrument", "start_bar", "bars"])
    return [(row.instrument, row.start_bar, row.bars, row.n_notes) for row in rows.itertuples()]


def ids_of(workspace: Workspace, source: str) -> list[str]:
    table = LoopStore(workspace).table()
    return list(table["loop_id"][table["source"].str.endswith(source)])


def test_an_old_library_is_known_to_need_it_without_reading_a_file(old: Workspace) -> None:
    found = reread.outlook(old)
    assert (found.n_loops, found.n_files, found.n_missing) == (N_LOOPS, N_FILES, 1)
    assert found.missing == ("files/gone.mid",)


def test_a_preview_says_what_would_change_and_changes_nothing(old: Workspace) -> None:
    before = contents(old)
    report = reread.preview(old, jobs=1)
    assert contents(old) == before and not report.applied and report.exchange == ""
    assert (report.n_loops, report.n_files, report.n_changed) == (N_LOOPS, N_FILES, N_CHANGED)
    # By hand, file by file: see `sources` of tests/saved/make_misread.py.
    assert {row["path"]: row["loops"] for row in report.files} == {
        "files/declared.mid": {"declared": 1},
        "files/held.mid": {"held": 1, "declared": 2},
        "files/packed.zip!in/rest.mid": {"longer": 1, "declared": 1},
        "files/rest at end.mid": {"longer": 1, "declared": 4},
        "files/setup track.mid": {"instrument": 2, "declared": 2, "names": 2},
        "files/xg kit.mid": {"instrument": 1, "declared": 1},
        f"workspace/library/sources/d1709443f7a1e685/{UPLOAD}": {"longer": 1, "declared": 1},
    }
    assert [(row["path"], row["code"]) for row in report.not_reread] == [("files/gone.mid", "source_missing")]


def test_every_misread_file_is_right_after_a_re_read(read: Workspace) -> None:
    report = reread.reread(read, jobs=1)
    assert report.applied and (report.n_set_aside, report.n_put_in) == (7, 7)
    cut_to_one = [("bass", bar, 1, 8) for bar in range(3)]
    assert loops_of(read, "rest at end.mid") == sorted([*cut_to_one, ("bass", 0, 4, 24)])
    assert loops_of(read, "packed.zip") == [("bass", 0, 4, 24)]
    assert loops_of(read, "setup track.mid") == [("bass", 0, 4, 32), ("strings", 0, 4, 32)]
    assert loops_of(read, "xg kit.mid") == [("drums", 0, 4, 48)]
    assert loops_of(read, "held.mid") == [("strings", 0, 4, 6), ("strings", 4, 4, 6)]
    assert loops_of(read, UPLOAD) == [("drums", 0, 4, 3)]
    assert loops_of(read, "gone.mid") == [("bass", 0, 2, 16)]  # it could not be read: it stays as it is
    key = LoopStore(read).load(ids_of(read, "declared.mid")[0]).extra["declared_key"]
    assert key == {"key": "Bb:major", "fifths": -2, "minor": False, "doubtful": False}


def test_a_second_re_read_says_that_nothing_changes(read: Workspace) -> None:
    reread.reread(read, jobs=1)
    after, parts = contents(read), counted_parts(read)
    again = reread.reread(read, jobs=1)
    assert (again.n_changed, again.n_set_aside, again.n_put_in, again.classes, again.exchange) == (0, 0, 0, {}, "")
    assert (again.n_files, again.n_loops) == (1, 1) and [row["path"] for row in again.not_reread] == ["files/gone.mid"]
    assert contents(read) == after and counted_parts(read) == parts
    found = reread.outlook(read)
    assert (found.n_loops, found.n_files, found.n_missing) == (1, 1, 1)


def test_labels_are_carried_over_as_drafts_and_never_as_approved(read: Workspace) -> None:
    store = LabelStore(read.labels)
    old_ids = ids_of(read, "packed.zip")
    before = store.standing(old_ids)[old_ids[0]]
    report = reread.reread(read, jobs=1)
    assert report.n_drafts > 0
    (new_id,) = ids_of(read, "packed.zip")
    assert new_id not in old_ids
    now = store.standing([new_id])[new_id]
    approved = {
        (name, event.source, str(event.value), event.note)
        for name, events in before.items()
        for event in events
        if event.kind == "human" and event.status in ("approved", "draft")
    }
    assert (
        approved
        and {(name, event.source, str(event.value), event.note) for name, events in now.items() for event in events}
        == approved
    )
    assert {event.status for events in now.values() for event in events} == {"draft"}
    decided = {event.loop_id for event in store.events() if event.action_id}
    put_in = set(LoopStore(read).table()["loop_id"]) - decided
    assert len(put_in) == 7
    assert all(label.status != "approved" for loop_id in put_in for label in store.view([loop_id])[loop_id].values())


def test_loops_that_stay_keep_their_ids_and_approvals(read: Workspace) -> None:
    names = ("declared.mid", "plain.mid")
    before = {name: ids_of(read, name) for name in names}
    labels = LabelStore(read.labels).view([loop_id for ids in before.values() for loop_id in ids])
    reread.reread(read, jobs=1)
    assert {name: ids_of(read, name) for name in names} == before
    assert LabelStore(read.labels).view([loop_id for ids in before.values() for loop_id in ids]) == labels
    assert any(label.status == "approved" for fields in labels.values() for label in fields.values())


def test_techniques_of_the_old_instrument_are_left_and_rejections_too(read: Workspace) -> None:
    reread.reread(read, jobs=1)
    kit = ids_of(read, "xg kit.mid")[0]
    labels = LabelStore(read.labels).view([kit])[kit]
    # A piano's staccato is nothing a kit can play; what was felt is carried over.
    assert "technique" not in labels and {"emotion", "genre"} <= set(labels)


def test_undo_of_a_rater_leaves_what_was_carried_over(read: Workspace) -> None:
    reread.reread(read, jobs=1)
    (new_id,) = ids_of(read, "packed.zip")
    before = LabelStore(read.labels).view([new_id])
    progress = decisions.progress(read, "aki").mine
    undone = decisions.undo(read, "aki")
    assert undone is not None and new_id not in undone.loop_ids
    assert LabelStore(read.labels).view([new_id]) == before and decisions.progress(read, "aki").mine <= progress


def test_an_undo_brings_the_old_state_back_whole_and_can_be_done_again(read: Workspace) -> None:
    before = contents(read)
    done = reread.reread(read, jobs=1)
    after = contents(read)
    (new_id,) = ids_of(read, "packed.zip")
    seen = LabelStore(read.labels).seen([new_id])[new_id]
    LabelStore(read.labels).write("aki", "approve", new_id, [Entry(new_id, "emotion", "sad", "approved")], seen)
    undone = reread.undo(read)
    assert undone is not None and undone.id == done.exchange
    # Files that nothing changed of are noted as read anew, which no table shows.
    assert contents(read) == before
    assert reread.undo(read) is None and contents(read) == before
    # What was said of the new loops waits for them.
    reread.reread(read, jobs=1)
    again = contents(read)
    assert {**again, "labels": None, "rows": None} == {**after, "labels": None, "rows": None}
    assert LabelStore(read.labels).view([new_id])[new_id]["emotion"].value == "sad"


def test_what_was_left_out_stays_left_out(read: Workspace) -> None:
    (old_id,) = ids_of(read, "packed.zip")
    duplicates.exclude(read, [old_id], author="aki", note="hums")
    reread.reread(read, jobs=1)
    (new_id,) = ids_of(read, "packed.zip")
    event = ExclusionStore(read).current()[new_id]
    assert (event.reason, event.author, event.note) == ("by_hand", "aki", "hums")
    duplicates.restore(read, [new_id])
    reread.undo(read)
    reread.reread(read, jobs=1)
    assert new_id not in ExclusionStore(read).current()  # a person took it back: that stands


def test_a_file_that_comes_back_is_read_with_the_next_re_read(old: Workspace) -> None:
    shutil.copy("files/rest at end.mid", "files/gone.mid")  # another file under the old name
    report = reread.reread(old, jobs=1)
    assert [(row["path"], row["code"]) for row in report.not_reread] == [("files/gone.mid", "source_changed")]
    digest = next(one for name in old_parts(old) for one in loops_of_part(old, name) if one.is_old).source_digest
    upload = old.sources / digest[:16] / "gone.mid"
    upload.parent.mkdir(parents=True)
    Path("files/gone.mid").unlink()
    from wild_songs import BAR, ends_at, line, song  # as tests/saved/make_misread.py made it

    upload.write_bytes(song(ends_at(line(bars=3, low=36), 4 * BAR, smf.program(33, 0))))
    report = reread.reread(old, jobs=1)
    assert report.not_reread == [] and report.n_changed == 1
    assert loops_of(old, "gone.mid") == [("bass", 0, 4, 24)] and reread.outlook(old).n_loops == 0


def test_an_import_says_what_is_read_better_and_adds_nothing_of_it(old: Workspace) -> None:
    before = contents(old)
    report = ingest(["files"], old, jobs=1)
    assert report.loops_added == 0 and contents(old) == before
    assert "files/packed.zip!in/rest.mid" in report.improved and "files/rest at end.mid" in report.improved
    assert report.files_improved == len(report.improved) and report.to_json()["files_improved"] == report.files_improved
    reread.reread(old, jobs=1)
    after = contents(old)
    report = ingest(["files"], old, jobs=1)
    assert (report.loops_added, report.files_improved) == (0, 0) and contents(old) == after
    # Another length is another cut, and its loops are not mistaken for what was set aside.
    reread.undo(old)
    ids = set(LoopStore(old).table()["loop_id"])
    assert ingest(["files/plain.mid"], old, bars=2, jobs=1).loops_added == 2
    assert ids < set(LoopStore(old).table()["loop_id"])


def test_an_id_that_waits_among_what_was_set_aside_is_not_given_away(read: Workspace) -> None:
    """The 2-bar loop of the old reading has the place of the first of two 2-bar loops cut today."""
    (old_id,) = ids_of(read, "packed.zip")
    reread.reread(read, jobs=1)
    assert ingest(["files/packed.zip"], read, bars=2, jobs=1).loops_added == 2
    assert old_id not in ids_of(read, "packed.zip")
    reread.undo(read)
    ids = list(LoopStore(read).table()["loop_id"])
    assert old_id in ids and len(ids) == len(set(ids)) == N_LOOPS + 2
    assert LoopStore(read).load(old_id).bars == 2


def test_what_was_read_is_not_read_again(old: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[tuple[int, int]] = []
    reread.preview(old, jobs=1, progress=lambda done, total: counts.append((done, total)))
    assert counts and counts[-1] == (9, 9)  # the file in two parts is read for each
    counts.clear()
    report = reread.reread(old, jobs=1, progress=lambda done, total: counts.append((done, total)))
    assert counts == [] and report.n_put_in == 7


def test_a_part_that_changed_since_the_preview_is_read_again(read: Workspace) -> None:
    store = LoopStore(read)
    name = store.part_names()[0]
    table = store.part_table(name)
    store.replace_columns(name, {"score_digest": table.column("score_digest").combine_chunks()})
    counts: list[int] = []
    assert reread.reread(read, jobs=1, progress=lambda done, _: counts.append(done)).n_put_in == 7
    assert counts


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from composer_core.pipeline.library import reread
from composer_core.workspace import Workspace

when, calls = sys.argv[1], int(sys.argv[2])
done = 0
real = os.replace

def replace(source, target):
    global done
    done += 1
    if when == "before" and done == calls:
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
    if when == "after" and done == calls:
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
act = reread.undo if sys.argv[3] == "undo" else lambda workspace: reread.reread(workspace, jobs=1)
act(Workspace(Path("workspace")))
print(done)
"""


def run(when: str = "never", calls: int = 0, act: str = "reread") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED_AT, when, str(calls), act], capture_output=True, text=True, check=False
    )


def killed(when: str, calls: int, act: str = "reread") -> None:
    done = run(when, calls, act)
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_killed_around_the_moment_it_comes_about(read: Workspace, when: str) -> None:
    """After a preview: stamps or settled duplicates, the exclusions, then the log; the last replacement is the log."""
    before = contents(read)
    shutil.copytree("workspace", "spare", copy_function=shutil.copy2)
    whole = run()
    assert whole.returncode == 0, whole.stderr
    last, after = int(whole.stdout), contents(read)
    expected = before if when == "before" else after
    shutil.rmtree("workspace")
    shutil.copytree("spare", "workspace", copy_function=shutil.copy2)
    killed(when, last)
    assert contents(read)["rows"] == expected["rows"] and contents(read)["notes"] == expected["notes"]
    assert run().returncode == 0
    assert {**contents(read), "rows": None} == {**after, "rows": None}
    killed("before", 1, "undo")
    assert contents(read)["notes"] == after["notes"]
    killed("after", 1, "undo")
    assert contents(read) == before


@pytest.mark.slow
def test_killed_at_every_step(old: Workspace) -> None:
    before = contents(old)
    shutil.copytree("workspace", "spare", copy_function=shutil.copy2)
    whole = run()
    assert whole.returncode == 0, whole.stderr
    last, after = int(whole.stdout), contents(old)
    for calls in range(1, last + 1):
        shutil.rmtree("workspace")
        shutil.copytree("spare", "workspace", copy_function=shutil.copy2)
        killed("before", calls)
        assert contents(old)["rows"] == before["rows"] and contents(old)["labels"] == before["labels"]
        assert run().returncode == 0
        assert {**contents(old), "rows": None} == {**after, "rows": None}
        assert len(exchanges(old)) == 1
        with exchanging(old):
            assert read_again(old, jobs=1).parts[0].made is None  # only the file that is gone is left
