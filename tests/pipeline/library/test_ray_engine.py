"""The engine ray: the same library as the local engine makes, and refusals before anything is stored."""

from __future__ import annotations

import json
import pickle
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import smf
from composer_core import __version__
from composer_core.cli import main
from composer_core.errors import InvalidValue, Unavailable
from composer_core.ingest import ray_engine
from composer_core.ingest.engine import LocalEngine, engine_named
from composer_core.ingest.ray_engine import _batches, _Reading, read_batch
from composer_core.pipeline.library import imports
from composer_core.pipeline.library import loops as library_loops
from composer_core.pipeline.library.measuring import READ_TASK
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

OPTIONS = {"bars": 4, "instrument": None, "measure": True}
ON_RAY = """
import json, sys
from pathlib import Path
import psutil
from composer_core.ingest import ray_engine
from composer_core.ingest.engine import engine_named
from composer_core.pipeline.library.imports import ingest
from composer_core.workspace import Workspace

ray_engine._FEWEST_A_BATCH = 4  # several tasks
listening, processors = set(), []

def look(done, total):
    import ray
    processors.append(ray.cluster_resources()["CPU"])
    for child in psutil.Process().children(recursive=True):
        try:
            found = child.net_connections(kind="inet")
        except psutil.Error:
            continue  # it ended meanwhile
        listening.update(one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN)

report = ingest([sys.argv[1]], Workspace(Path(sys.argv[2])), jobs=2, engine=engine_named("ray"), progress=look)
print(json.dumps({"report": report.to_json(), "listening": sorted(listening), "processors": processors[0]}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 files, one empty, one that is no MIDI, one a copy of another, and a zip of three with one that is none."""
    folder = tmp_path_factory.mktemp("files")
    for n in range(20):
        rows = [(step * 240 + n % 3, 60 + n, 36 + (step * (1 + n % 7)) % 7) for step in range(48)]
        (folder / f"{n:02d}.mid").write_bytes(smf.smf(smf.notes(rows, smf.tempo(90 + n), channel=9)))
    (folder / "05.mid").write_bytes(b"")
    (folder / "11.mid").write_bytes(b"RIFF....")
    (folder / "12.mid").write_bytes((folder / "03.mid").read_bytes())
    with zipfile.ZipFile(folder / "13.zip", "w") as archive:
        for name in ("01.mid", "11.mid", "02.mid", "notes.txt"):
            data = b"words" if name == "notes.txt" else (folder / name).read_bytes()
            archive.writestr(f"pack/{name}", data)
    return folder


def everything(workspace: Workspace) -> dict[str, Any]:
    """Rows in the order they were added but for the time, and every note."""
    table = library_loops.table(workspace).drop(columns="created_at")
    loops = LoopStore(workspace).load_many(list(table["loop_id"]))
    return {"table": table.to_json(), "notes": [loop.notes.rows() for loop in loops]}


@pytest.mark.slow
def test_a_cluster_of_two_makes_the_same_library(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    arguments = [sys.executable, "-c", ON_RAY, str(folder), str(tmp_path / "ray")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    local = imports.ingest([str(folder)], Workspace(tmp_path / "local"), jobs=1, engine=LocalEngine()).to_json()
    assert {**told["report"], "seconds": 0} == {**local, "seconds": 0}
    # 17 different files of 6 bars, cut into 4 and 2; the copy and the zip add none.
    assert (len(local["files_refused"]), local["files_skipped"], local["loops_added"]) == (3, 1, 34)
    assert everything(Workspace(tmp_path / "ray")) == everything(Workspace(tmp_path / "local"))
    assert told["processors"] == 2
    assert told["listening"] and set(told["listening"]) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


def test_a_task_answers_in_plain_values_as_the_local_engine_reports(folder: Path) -> None:
    files = [(str(folder / name), "midi") for name in ("00.mid", "05.mid", "11.mid")]
    files.append((str(folder / "13.zip"), "zip"))
    told = pickle.loads(pickle.dumps(read_batch(files, READ_TASK, OPTIONS, 10.0)))
    assert told["version"] == __version__
    reading = _Reading("127.0.0.1", 1)
    found = [reading._report(row, 7 + place) for place, row in enumerate(told["reports"])]
    with LocalEngine().opened(1) as read:
        local = list(read(files, READ_TASK, OPTIONS))
    assert [report.job_id for report in found] == [7, 8, 9, 10]
    for report, expected in zip(found, local, strict=True):
        assert report.n_skipped == expected.n_skipped
        for one, other in zip(report.outcomes, expected.outcomes, strict=True):
            # As text: a drum loop's key has a confidence of NaN, which equals nothing, not even itself.
            assert (one.name, repr(one.facts), one.payload) == (other.name, repr(other.facts), other.payload)
            assert str(one.refusal) == str(other.refusal) and type(one.refusal) is type(other.refusal)


def test_a_reader_that_cannot_start_on_the_cluster_is_said(folder: Path) -> None:
    told = read_batch([(str(folder / "00.mid"), "midi")], "no_such_module:task", {}, 10.0)
    assert told["error"][0] == "reader_unavailable" and "no_such_module" in told["error"][1]["reason"]


def test_a_file_only_this_machine_has_is_no_missing_file(folder: Path, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.mid")
    (row,) = read_batch([(gone, "midi")], READ_TASK, OPTIONS, 10.0)["reports"]
    reading = _Reading("10.0.0.5:6379", 1)
    assert reading._report(row, 0).outcomes[0].refusal.code == "path_missing"
    Path(gone).write_bytes(b"here")
    with pytest.raises(Unavailable) as caught:
        reading._report(row, 0)
    assert caught.value.code == "ray_file_missing" and "10.0.0.5:6379" in str(caught.value)


def test_batches_are_neighbours_and_archives_stand_alone() -> None:
    # 40 files over 2 tasks: 40 // 8 = 5, but never fewer than 8 a batch.
    files = [(f"{n}.mid", "midi") for n in range(17)] + [("a.zip", "zip"), ("b.tar", "tar")]
    files += [(f"{n}.mid", "midi") for n in range(21)]
    found = list(_batches(files, 2))
    assert [(start, len(batch)) for start, batch in found] == [
        (0, 8), (8, 8), (16, 1), (17, 1), (18, 1), (19, 8), (27, 8), (35, 5),
    ]  # fmt: skip
    assert [file for _, batch in found for file in batch] == files
    assert [len(batch) for _, batch in _batches([("x.mid", "midi")] * 10_000, 4)][:2] == [128, 128]


def test_without_ray_the_import_says_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    root = tmp_path / "workspace"
    assert main(["ingest", str(folder), "--engine", "ray", "--workspace", str(root)]) != 0
    assert 'pip install "composer-studio[ray]"' in capsys.readouterr().err
    assert not root.exists()


def test_engines_and_addresses_are_checked(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue) as caught:
        engine_named("spark")
    assert caught.value.code == "unknown_choice" and "local, ray" in str(caught.value)
    with pytest.raises(InvalidValue) as caught:
        engine_named("local", "127.0.0.1:6379")
    assert caught.value.code == "contradiction"


def test_a_cluster_that_does_not_answer_is_named_and_nothing_is_stored(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    root = tmp_path / "workspace"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable) as caught:
            imports.ingest([str(folder)], Workspace(root), engine=engine_named("ray", address))
    assert caught.value.code == "ray_unreachable" and address in str(caught.value)
    for wrong in ("not an address", "host:", "auto"):
        with pytest.raises(InvalidValue) as refused:
            imports.ingest([str(folder)], Workspace(root), engine=engine_named("ray", wrong))
        assert refused.value.code == "bad_format" and wrong in str(refused.value)
    assert not root.exists()


def test_folders_of_killed_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "_PLACE", str(tmp_path))
    own = Path(ray_engine._own_folder())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f"composer-ray-{ended.pid}-abc" / "session").mkdir(parents=True)
    (tmp_path / "composer-ray-notes").mkdir()
    again = Path(ray_engine._own_folder())
    assert sorted(tmp_path.iterdir()) == sorted([own, again, tmp_path / "composer-ray-notes"])
