"""Training as a job: detached, watched, stopped, resumed, found again, and its model usable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from composer_core.cli import main
from composer_core.errors import InvalidValue, ModelError, NotFound
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.models import find_model, models
from composer_core.pipeline.training import runs
from composer_core.pipeline.training.runs import RunStatus, TrainRequest
from composer_core.render.midi import loop_to_midi
from composer_core.store import runs as store
from composer_core.store.atomic import write_json
from composer_core.workspace import Workspace

WAIT_SEC = 240


def write_beats(folder: Path, n: int = 12) -> Path:
    """A folder of small drum files: a rock beat with one hit moved from file to file."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(n):
        hits = [(bar * 1920 + t, p) for bar in range(4) for t, p in ((0, 36), (480, 38), (960, 36), (1440, 38))]
        hits += [(120 * index, 42), (7680 - 240, 46)]
        loop = Loop("drums", Notes.from_rows([(tick, 20, pitch, 90) for tick, pitch in hits]), 4)
        (folder / f"beat{index:02d}.mid").write_bytes(loop_to_midi(loop))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def request(data: Path, **changes: object) -> TrainRequest:
    fields = {"instrument": "drums", "data": str(data), "size": "tiny", "device": "cpu", "name": "beats", **changes}
    return TrainRequest(**fields)  # type: ignore[arg-type]


def wait_for(workspace: Workspace, run: str, *states: str) -> RunStatus:
    deadline = time.monotonic() + WAIT_SEC
    while time.monotonic() < deadline:
        found = runs.status(workspace, run)
        if found.state in states:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{found.state}: {found.message}\n{found.log_tail}")


@pytest.mark.slow
def test_a_detached_run_is_stopped_resumed_and_its_model_plays(workspace: Workspace, tmp_path: Path) -> None:
    run = runs.start(workspace, request(write_beats(tmp_path / "data"), steps=400))
    deadline = time.monotonic() + WAIT_SEC
    while runs.status(workspace, run).step < 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    with pytest.raises(ModelError, match="already training"):
        runs.resume(workspace, run)
    runs.stop(workspace, run)
    stopped = wait_for(workspace, run, "stopped", "finished")
    assert stopped.state == "stopped"
    assert 5 <= stopped.step < 400
    assert stopped.pid is None
    runs.resume(workspace, run)
    finished = wait_for(workspace, run, "finished", "crashed")
    assert finished.state == "finished", finished.log_tail
    assert [step for step, _ in finished.losses] == list(range(1, finished.step + 1))
    assert finished.has_model
    info = find_model("drums", run, workspace)
    assert info.origin == "run"
    take = generate(Condition("drums", bars=2), seed=1, model=run, workspace=workspace)[0]
    assert take.model == run
    assert len(take.grid.notes) >= 2


@pytest.mark.slow
def test_a_killed_run_is_named_crashed_and_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    run = runs.start(workspace, request(write_beats(tmp_path / "data"), steps=120))
    deadline = time.monotonic() + WAIT_SEC
    while runs.status(workspace, run).step < 60 and time.monotonic() < deadline:
        time.sleep(0.1)
    pid = runs.status(workspace, run).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    crashed = wait_for(workspace, run, "crashed")
    assert crashed.pid is None
    runs.resume(workspace, run)
    finished = wait_for(workspace, run, "finished", "crashed")
    assert finished.state == "finished", finished.log_tail
    assert [step for step, _ in finished.losses] == list(range(1, finished.step + 1))


@pytest.mark.slow
def test_an_error_of_the_process_is_named(workspace: Workspace, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = runs.start(workspace, request(empty))
    crashed = wait_for(workspace, run, "crashed", "finished")
    assert crashed.state == "crashed"
    assert "no notes for drums" in crashed.message
    assert crashed.error is not None and (crashed.error.code, str(crashed.error)) == ("no_notes", crashed.message)
    assert "no notes for drums" in crashed.log_tail
    kept = (workspace.logs / "training.log").read_text()
    assert " ERROR [" in kept and f"run runs/{run}: crashed at step 0: no_notes" in kept
    assert "empty" not in kept and "INFO" not in crashed.log_tail


@pytest.mark.parametrize("inside", [True, False])
def test_a_run_in_the_workspace_keeps_its_log_there_and_another_one_leaves_it_alone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(workspace.root))
    folder = workspace.runs / "beats" if inside else tmp_path / "elsewhere"
    line = ["train", "--instrument", "drums", "--data", str(write_beats(tmp_path / "data")), "--size", "tiny"]
    assert main([*line, "--device", "cpu", "--steps", "2", "-o", str(folder)]) == 0
    if not inside:
        assert not workspace.root.exists()
        return
    told = [line.split(": ", 1)[1] for line in (workspace.logs / "training.log").read_text().splitlines()]
    assert told[0] == "run runs/beats: training of drums begins"
    assert "checkpoint written at step 2" in told
    assert told[-1] == "run runs/beats: finished at step 2"


def test_missing_data_is_named_before_anything_starts(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        runs.start(workspace, request(Path("/nonexistent/midi")))
    assert runs.runs(workspace) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../outside"}, "run name"),
        ({"size": "giant"}, "size"),
        ({"steps": 0}, "steps"),
        ({"instrument": "kazoo"}, "instrument"),
        ({"device": "tpu"}, "device"),
    ],
)
def test_requests_with_a_mistake_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        request(tmp_path, **changes)


def test_a_reused_pid_is_not_ours() -> None:
    here = store.heartbeat_state("running", 1, 2, "CPU", "")
    assert store.is_alive(here.pid, here.pid_started)
    assert not store.is_alive(here.pid, here.pid_started - 3600)
    assert not store.is_alive(2**22 - 7, here.pid_started)


def test_an_unknown_run_is_named(workspace: Workspace) -> None:
    for name in ("nonesuch", "", "../x"):
        with pytest.raises(NotFound, match="no training run"):
            runs.status(workspace, name)


def test_the_command_says_what_the_button_does(tmp_path: Path) -> None:
    line = runs.command_line(request(tmp_path, steps=5), "RUN")
    assert line[:4] == ["composer", "train", "--instrument", "drums"]
    assert line[-4:] == ["--steps", "5", "-o", "RUN"]


def test_unfinished_runs_offer_no_model(workspace: Workspace) -> None:
    folder = workspace.runs / "begun"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text('{"instrument": "drums", "data": "library"}')
    assert [run.state for run in runs.runs(workspace)] == ["starting"]
    assert all(info.origin == "shipped" for info in models(workspace))


@pytest.mark.parametrize("adapter", [True, False])
def test_the_command_goes_on_from_a_model(tmp_path: Path, adapter: bool) -> None:
    from untrained_model import add_untrained_model

    workspace = Workspace(tmp_path / "workspace").create()
    add_untrained_model(workspace, "drums", "mine")
    grooves = write_beats(tmp_path / "midi")
    line = ["train", "--instrument", "drums", "--data", str(grooves), "--start", "mine", "--steps", "2"]
    line += ["--device", "cpu", "--workspace", str(workspace.root), "-o", str(tmp_path / "run")]
    assert main([*line, "--adapter"] if adapter else line) == 0
    written = json.loads((tmp_path / "run" / "request.json").read_text())
    assert (written["start"], written["adapter"], written["size"]) == ("mine", adapter, "tiny")
    made = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert made["train"]["adapter"] is adapter and made["train"]["learning_rate"] == runs.FINE_TUNING_RATE


def test_an_adapter_needs_a_model() -> None:
    with pytest.raises(InvalidValue, match="adapters adapt a model"):
        TrainRequest("drums", "library", adapter=True)


def test_a_run_stopped_while_it_loads_is_called_stopped(workspace: Workspace) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    folder = workspace.runs / "early"
    store.write_state(folder, replace(store.heartbeat_state("starting", 0, 0, "", ""), **store_pid(process.pid)))
    write_json(folder / store.REQUEST_FILE, asdict(TrainRequest("drums", "library", "tiny", name="early")))
    runs.stop(workspace, "early")
    assert process.wait(30) != 0
    assert runs.status(workspace, "early").state == "stopped"


def store_pid(pid: int) -> dict[str, Any]:
    return {"pid": pid, "pid_started": psutil.Process(pid).create_time()}
