"""Reader processes: one file's death, hang or hunger costs only that file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from composer_core.errors import Unavailable
from composer_core.ingest.pool import JobReport, read_all

TESTS = str(Path(__file__).resolve().parents[1] / "support")


@pytest.fixture(autouse=True)
def _tasks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS)


def read(folder: Path, orders: list[str], task: str = "obey", **options: Any) -> list[JobReport]:
    files = []
    for index, order in enumerate(orders):
        path = folder / f"{index:03d}.mid"
        path.write_bytes(order.encode())
        files.append((str(path), "midi"))
    return list(read_all(files, f"worker_tasks:{task}", {"a": 1}, **options))


def codes(reports: list[JobReport]) -> list[str | None]:
    return [report.outcomes[0].refusal.code if report.outcomes[0].refusal else None for report in reports]


def test_answers_come_in_order_with_facts_and_bytes(tmp_path: Path) -> None:
    seen: list[int] = []
    reports = read(tmp_path, [f"file {n}" for n in range(60)], "echo", jobs=2, seen=seen.append)
    assert [report.outcomes[0].payload for report in reports] == [f"file {n}".encode() for n in range(60)]
    assert [report.job_id for report in reports] == list(range(60))
    assert reports[7].outcomes[0].facts["options"] == {"a": 1}
    assert seen == list(range(1, 61))
    assert os.getpid() not in {report.outcomes[0].facts["pid"] for report in reports}


ORDERS = ["ok", "die", "ok", "eat", "raise", "ok", "refuse", "invalid", "die", "ok"]
VERDICTS = [
    None,
    "worker_died",
    None,
    "out_of_memory",
    "worker_died",
    None,
    "bad_resolution",
    "unreadable_midi",
    "worker_died",
    None,
]


def test_bad_files_are_refused_and_the_rest_of_the_batch_is_read(tmp_path: Path) -> None:
    reports = read(tmp_path, ORDERS, jobs=1)
    assert codes(reports) == VERDICTS
    messages = [str(report.outcomes[0].refusal) for report in reports]
    assert "signal 11" in messages[1] and "001.mid" in messages[1]
    assert "ZeroDivisionError: a mistake of ours" in messages[4]


def test_bad_members_of_a_full_group(tmp_path: Path) -> None:
    """Files and archive members alike, in groups as large as they come."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index, order in enumerate(ORDERS * 3):
            archive.writestr(f"{index:03d}.mid", order)
            archive.writestr(f"{index:03d}.txt", order)
    (report,) = read_all([(str(path), "zip")], "worker_tasks:obey", {})
    assert [o.refusal.code if o.refusal else None for o in report.outcomes] == VERDICTS * 3
    assert [o.name.removeprefix(f"{path}!") for o in report.outcomes] == [f"{n:03d}.mid" for n in range(30)]
    assert report.n_skipped == 30
    assert codes(read(tmp_path, ORDERS * 4, jobs=2)) == VERDICTS * 4


def test_files_come_in_groups(tmp_path: Path) -> None:
    sizes = [report.outcomes[0].facts["group"] for report in read(tmp_path, ["x"] * 100, "echo", jobs=1)]
    assert max(sizes) == 12
    large = [report.outcomes[0].facts["group"] for report in read(tmp_path, ["x" * 3_000_000] * 50, "echo", jobs=1)]
    assert max(large) == 2  # a group ends at 4 MB


def test_a_hanging_file_is_stopped(tmp_path: Path) -> None:
    began = time.monotonic()
    reports = read(tmp_path, ["ok", "hang", "ok"], jobs=1, limit_sec=2.0)
    assert codes(reports) == [None, "timeout", None]
    assert "2 seconds" in str(reports[1].outcomes[0].refusal)
    assert time.monotonic() - began < 120  # the file itself would take 600 s


def test_an_archive_goes_on_behind_a_member_that_kills(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, order in (("1.mid", "ok"), ("2.mid", "die"), ("x.txt", "skip"), ("3.mid", "hang"), ("4.mid", "ok")):
            archive.writestr(name, order)
    (report,) = read_all([(str(path), "zip")], "worker_tasks:obey", {}, limit_sec=2.0)
    found = [(o.name.removeprefix(f"{path}!"), o.refusal.code if o.refusal else None) for o in report.outcomes]
    assert found == [("1.mid", None), ("2.mid", "worker_died"), ("3.mid", "timeout"), ("4.mid", None)]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.mid").mkdir()
    os.mkfifo(tmp_path / "pipe.mid")
    files = [(str(tmp_path / name), "midi") for name in ("gone.mid", "folder.mid", "pipe.mid")]
    reports = list(read_all(files, "worker_tasks:echo", {}))
    assert codes(reports) == ["path_missing", "not_midi", "not_midi"]


def test_file_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + "/ドラム.mid".encode("cp932")
    Path(os.fsdecode(path)).write_bytes(b"x")
    (report,) = read_all([(os.fsdecode(path), "midi")], "worker_tasks:echo", {})
    assert os.fsencode(report.outcomes[0].name) == path


def test_a_reader_that_cannot_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"x")
    with pytest.raises(Unavailable) as caught:
        list(read_all([(str(tmp_path / "a.mid"), "midi")], "worker_tasks:no_such_task", {}))
    assert caught.value.code == "reader_unavailable"
    assert "no_such_task" in str(caught.value)


def test_no_files_start_no_process() -> None:
    assert list(read_all([], "worker_tasks:no_such_task", {})) == []


def test_workers_are_gone_afterwards_and_when_the_reader_stops_early(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    read(tmp_path, ["ok"] * 40, jobs=2)
    reports = read_all([(str(tmp_path / "000.mid"), "midi")] * 40, "worker_tasks:echo", {}, jobs=2)
    next(reports)
    assert set(psutil.Process().children()) != before
    reports.close()  # type: ignore[attr-defined]
    assert set(psutil.Process().children()) == before


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"x")
    code = (
        "import os, sys\n"
        "from composer_core.ingest.pool import read_all\n"
        f"reports = read_all([({str(tmp_path / 'a.mid')!r}, 'midi')] * 40, 'worker_tasks:echo', {{}}, jobs=1)\n"
        "print(next(reports).outcomes[0].facts['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    worker = int(done.stdout)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(worker)
