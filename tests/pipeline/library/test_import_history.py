"""An import is deleted with its loops, comes back with its labels, and goes for good when its days are over."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import small_library
from composer_core.errors import NotFound
from composer_core.music.loop import Loop
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import import_history as history
from composer_core.pipeline.library import loops
from composer_core.pipeline.library.browse import count
from composer_core.pipeline.library.filters import Filter
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.pipeline.recovery.examine import examine
from composer_core.pipeline.recovery.repair import repair
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def put(folder: Path, name: str, loop: Loop) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(loop_to_midi(loop))
    return str(path)


def two_imports(tmp_path: Path, workspace: Workspace) -> tuple[str, str]:
    """Ids of an import of a bass and of one of the same bass under another name and a beat."""
    bass, beat = small_library.bass(), small_library.rock()
    first = put(tmp_path / "a", "bass.mid", bass)
    ingest([first], workspace, jobs=1)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "bass.mid").rename(tmp_path / "b" / "Final Mix.mid")
    put(tmp_path / "b", "beat.mid", beat)
    ingest([str(tmp_path / "b")], workspace, jobs=1)
    newest, oldest = history.imports(workspace)
    return str(oldest["id"]), str(newest["id"])


def states(workspace: Workspace) -> list[tuple[object, object]]:
    return [(entry["state"], entry["n_loops"]) for entry in history.imports(workspace)]


def test_it_goes_and_comes_back_with_its_labels(tmp_path: Path, workspace: Workspace) -> None:
    first, second = two_imports(tmp_path, workspace)
    before = loops.table(workspace)
    bass_id = before[before["source"].str.endswith("bass.mid")]["loop_id"].iloc[0]
    seen = decisions.current(workspace, bass_id).seen
    decisions.decide(workspace, bass_id, rater="aki", action="approve", values={"emotion": "calm"}, seen=seen)
    n_first = int((before["source"].str.endswith("bass.mid")).sum())
    assert states(workspace) == [("here", len(before) - n_first), ("here", n_first)]

    history.delete_import(workspace, first)
    assert not loops.table(workspace)["source"].str.endswith("bass.mid").any()
    assert len(loops.table(workspace)) == len(before) - n_first
    assert states(workspace)[1] == ("deleted", n_first)
    until = datetime.fromisoformat(str(history.imports(workspace)[1]["until"]))
    assert timedelta(days=29) < until - datetime.now(UTC) <= timedelta(days=30)
    with pytest.raises(NotFound, match="no loop"):
        history.delete_import(workspace, first)

    history.bring_back(workspace, first)
    after = loops.table(workspace)
    assert after.drop(columns="created_at").equals(before.drop(columns="created_at"))
    assert decisions.current(workspace, bass_id).values == {"emotion": "calm"}
    with pytest.raises(NotFound, match="not deleted"):
        history.bring_back(workspace, first)
    with pytest.raises(NotFound, match="composer imports"):
        history.delete_import(workspace, "../../etc/passwd")
    assert second in {entry["id"] for entry in history.imports(workspace)}


def test_after_its_days_it_is_gone_for_good(tmp_path: Path, workspace: Workspace) -> None:
    upload = keep_upload(workspace, "bass.mid", loop_to_midi(small_library.bass()))
    own = put(tmp_path / "own", "beat.mid", small_library.rock())
    ingest([str(upload), own], workspace, jobs=1)
    (entry,) = history.imports(workspace)
    done = history.delete_import(workspace, str(entry["id"]))
    parts = [folder / name for folder in (workspace.loops, workspace.notes) for name in done.taken_out]
    assert history.purge(workspace, datetime.now(UTC) + timedelta(days=29)) == 0 and all(p.exists() for p in parts)
    assert history.purge(workspace, datetime.now(UTC) + timedelta(days=31)) == 1
    assert not any(path.exists() for path in parts)
    # What was uploaded goes, a file in a person's own folder never does.
    assert not upload.exists() and Path(own).exists()
    assert states(workspace) == [("gone", 0)]
    with pytest.raises(NotFound, match="30 days"):
        history.bring_back(workspace, str(entry["id"]))
    ingest([own], workspace, jobs=1)
    assert [state for state, _ in states(workspace)] == ["here", "gone"]


def test_an_import_of_an_early_version_is_known_by_its_time(tmp_path: Path, workspace: Workspace) -> None:
    ingest([put(tmp_path / "a", "bass.mid", small_library.bass())], workspace, jobs=1)
    (path,) = workspace.imports.glob("import-*.json")
    entry = json.loads(path.read_text())
    del entry["parts"]
    path.write_text(json.dumps(entry))
    (found,) = history.imports(workspace)
    assert (found["state"], found["n_loops"]) == ("here", entry["loops_added"])
    history.delete_import(workspace, str(found["id"]))
    assert len(loops.table(workspace)) == 0


def test_the_name_of_an_exact_duplicate_finds_its_loops(tmp_path: Path, workspace: Workspace) -> None:
    ingest([put(tmp_path / "a", "bass.mid", small_library.bass())], workspace, jobs=1)
    n_loops = len(loops.table(workspace))
    assert count(workspace, Filter(text="final")) == 0
    again = put(tmp_path / "b", "Final Mix.mid", small_library.bass())
    report = ingest([again], workspace, jobs=1)
    assert (report.loops_added, report.exact, report.names_added) == (0, n_loops, 1)
    assert count(workspace, Filter(text="final MIX")) == n_loops
    # A word of the one name and a word of the other are both names of the file.
    assert count(workspace, Filter(text="bass final")) == n_loops
    assert count(workspace, Filter(text="final drums")) == 0
    digest = loops.table(workspace)["source_digest"].iloc[0]
    assert loops.other_names(workspace, digest) == [(again, "")]
    assert ingest([again], workspace, jobs=1).names_added == 0


def test_damaged_other_names_are_found_and_set_aside(tmp_path: Path, workspace: Workspace) -> None:
    two_imports(tmp_path, workspace)
    (part,) = workspace.other_names.glob("part-*.parquet")
    part.write_bytes(b"noise")
    assert [harm.file for harm in examine(workspace)] == ["library/names/part-000001.parquet"]
    repair(workspace)
    assert examine(workspace) == [] and count(workspace, Filter(text="final")) == 0
