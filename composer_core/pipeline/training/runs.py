"""Training runs for pages and commands: start a detached process, watch it, stop it and resume it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer_core.errors import (
    ComposerError,
    InvalidValue,
    ModelError,
    NotFound,
    StoreError,
    require_range,
)
from composer_core.model.training_options import MOST_STEPS, TRAIN_OPTIONS, TrainOption
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.models import ALL
from composer_core.store import runs as store
from composer_core.store.atomic import read_json, write_json
from composer_core.store.damage import note_damage, readable
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.model.config import TrainConfig
    from composer_core.model.device import Device

_log = logging.getLogger(__name__)

LIBRARY = "library"
EARLY_STOP_SEC = 3.0
"""The longest that a stop waits for a process that has only just started."""
SMOOTHING = 0.9
FINE_TUNING_RATE = 1e-3
"""Learning rate of a training that starts from a model, as in the recipes of the shipped ones."""
TRAIN_SIZES = TRAIN_OPTIONS["size"].choices
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """The request for a training. `data` is a folder or 'library'; `steps` None trains for the size's epochs.

    `start` is the model (name or folder) to start from, or empty for random weights. With `adapter`, a training
    from a model trains low-rank adapters instead of every weight. Such a model keeps its size, whatever `size` is.
    """

    instrument: str
    data: str
    size: str = "small"
    steps: int | None = None
    device: str = "auto"
    seed: int = 0
    name: str = ""
    start: str = ""
    adapter: bool = False

    def __post_init__(self) -> None:
        if self.steps is not None:
            # In a configuration 0 steps means 'by epochs', for which a request has None. So 0 is refused here.
            require_range("steps", self.steps, 1, MOST_STEPS)
        for spec in fields(self):
            value = getattr(self, spec.name)
            if value is not None:
                TRAIN_OPTIONS[spec.name].check(value)
        if self.name and not _NAME.fullmatch(self.name):
            raise InvalidValue("bad_format", name="run name", value=self.name, expected="letters, digits, . _ -")
        if self.adapter and not self.start:
            raise InvalidValue("contradiction", first="adapter", second="no start", reason="adapters adapt a model")

    @property
    def heard_instrument(self) -> str:
        """The instrument with which its model is tried out; a piano for a model of all instruments."""
        return "piano" if self.instrument == ALL else self.instrument


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run as the page shows it.

    `losses` are (step, nats per token), `validation` (step, nats per note). `error` is the ComposerError that ended the
    run, if one did; `message` is its English text, or that of any other error.
    """

    run: str
    state: str
    step: int
    steps: int
    losses: list[tuple[int, float]]
    validation: list[tuple[int, float]]
    eta_sec: float | None
    device: str
    device_name: str
    pid: int | None
    log_tail: str
    message: str
    error: ComposerError | None
    request: TrainRequest
    has_model: bool


def command_line(request: TrainRequest, folder: Path | str) -> list[str]:
    """The command that does the same as the button of the page."""
    asked = [(TRAIN_OPTIONS[spec.name], spec.default, getattr(request, spec.name)) for spec in fields(request)]
    line = ["composer", "train"]
    # Options that are always given come first, so that a person can read the command.
    for one, default, value in sorted(asked, key=lambda row: not row[0].always):
        if one.flags and (one.always or value != default):
            line += one.words(value)
    return [*line, "-o", str(folder)]


def option(name: str) -> TrainOption:
    """The declaration of a training option, for the control that sets it."""
    return TRAIN_OPTIONS[name]


def request_of(config: TrainConfig, data: str, start: str) -> TrainRequest:
    """The request that matches a configuration of the command; `start` is the name of the model as it was given."""
    known = {spec.name for spec in fields(config)}
    shared = {spec.name: getattr(config, spec.name) for spec in fields(TrainRequest) if spec.name in known}
    return TrainRequest(**{**shared, "data": data, "steps": config.steps or None, "start": start})


@guarded("train")
def start(workspace: Workspace, request: TrainRequest) -> str:
    """Start a detached training process and return the run's name.

    NotFound when the data folder is missing; StoreError when the workspace cannot be written.
    """
    if request.data != LIBRARY and not Path(request.data).exists():
        raise NotFound("path_missing", path=request.data)
    workspace.create()
    name = request.name or f"{request.instrument}-{request.size}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = workspace.runs / name
    if (folder / store.REQUEST_FILE).exists():
        raise InvalidValue("contradiction", first=f"run name {name}", second="a run of that name", reason="it exists")
    write_json(folder / store.REQUEST_FILE, asdict(request))
    _spawn(workspace, name, request)
    _log.info("run %s started: %s, %s", name, request.instrument, request.size)
    return name


@guarded("train")
def resume(workspace: Workspace, run: str) -> None:
    """Continue a stopped or crashed run; ModelError run_active when it still runs."""
    folder = store.run_folder(workspace.runs, run)
    state = store.read_state(folder)
    if state is not None and _is_working(state):
        raise ModelError("run_active", run=run, pid=state.pid)
    _spawn(workspace, run, _request_of(folder))
    _log.info("run %s: goes on", run)


@guarded("train")
def stop(workspace: Workspace, run: str) -> None:
    """Ask the run's process to stop after its current step and keep a checkpoint; no other process is signalled."""
    folder = store.run_folder(workspace.runs, run)
    state = store.read_state(folder)
    if state is None or not _is_working(state):
        return
    _log.info("run %s: asked to stop", run)
    with contextlib.suppress(ProcessLookupError):
        os.kill(state.pid, signal.SIGTERM)
    if state.state == "starting":
        _note_early_stop(folder, state)


def _note_early_stop(folder: Path, state: store.RunState) -> None:
    """Record that a process was stopped while it still loaded its libraries, when it dies without writing its state."""
    deadline = time.monotonic() + EARLY_STOP_SEC
    while store.is_alive(state.pid, state.pid_started):
        if time.monotonic() > deadline:
            return  # it handles the signal by now, and writes its state itself
        time.sleep(0.05)
    last = store.read_state(folder)
    if last is not None and (last.state, last.pid) == ("starting", state.pid):
        store.write_state(folder, replace(last, state="stopped"))


def status(workspace: Workspace, run: str) -> RunStatus:
    """The status of one run, read from its folder, whichever process started it."""
    folder = store.run_folder(workspace.runs, run)
    state = store.read_state(folder)
    rows: list[dict[str, Any]] = store.read_rows(folder)
    if lack := store.missing_rows(rows, state):
        note_damage(folder / store.METRICS_FILE, lack)
    request = _request_of(folder)
    name, message = _named_state(state)
    done, total = (state.step, state.steps) if state is not None else (0, request.steps or 0)
    return RunStatus(
        run=run,
        state=name,
        step=rows[-1]["step"] if rows else done,
        steps=total,
        losses=[(row["step"], row["loss"]) for row in rows],
        validation=[(row["step"], row["validation"]) for row in rows if row["validation"] is not None],
        eta_sec=_eta(rows, total) if name == "running" else None,
        device=request.device,
        device_name=state.device_name if state is not None else "",
        pid=state.pid if state is not None and _is_working(state) else None,
        log_tail=store.log_tail(folder),
        message=message,
        error=_error_of(state),
        request=request,
        has_model=(folder / "model" / "config.json").is_file(),
    )


def runs(workspace: Workspace) -> list[RunStatus]:
    """All runs, newest first; one with a damaged file is noted and left out."""
    folders = [workspace.runs / name / store.REQUEST_FILE for name in store.run_names(workspace.runs)]
    return list(readable(folders, lambda path: status(workspace, path.parent.name)))


def label_counts_of(workspace: Workspace, run: str) -> dict[str, dict[str, int]]:
    """Of how many training loops each field of the conditions comes from whom (see `labelled.label_counts`).

    Empty before the run has prepared its data, and for data other than a library.
    """
    facts: dict[str, Any] = store.read_facts(store.run_folder(workspace.runs, run))
    return dict(facts.get("labels", {}))


def devices() -> list[Device]:
    """The devices on which training can run here, the GPU first (code and name)."""
    from composer_core.model.device import devices as found

    return list(found())


def _request_of(folder: Path) -> TrainRequest:
    data: Any = read_json(folder / store.REQUEST_FILE)
    if not isinstance(data, dict):
        raise StoreError("damaged_store", path=str(folder / store.REQUEST_FILE), reason="no request")
    known = {spec.name for spec in fields(TrainRequest)}
    for name in data:
        if name not in known:
            raise InvalidValue("unknown_option", name=name, where=str(folder), choices=", ".join(sorted(known)))
    try:
        return TrainRequest(**data)
    except TypeError as error:
        raise StoreError("damaged_store", path=str(folder / store.REQUEST_FILE), reason=str(error)) from error


def _is_working(state: store.RunState) -> bool:
    return state.state in ("starting", "running") and store.is_alive(state.pid, state.pid_started)


def _named_state(state: store.RunState | None) -> tuple[str, str]:
    if state is None:
        return "starting", ""
    if state.state in ("starting", "running") and not store.is_alive(state.pid, state.pid_started):
        return "crashed", state.message
    return state.state, state.message


def _error_of(state: store.RunState | None) -> ComposerError | None:
    """The error that ended a run; None when it was not a ComposerError, or has a code this release does not know."""
    if state is None or state.state != "crashed" or not state.code:
        return None
    try:
        return ComposerError(state.code, **state.values)
    except KeyError:
        return None


def _eta(rows: list[dict[str, Any]], steps: int) -> float | None:
    """The seconds left at the pace of the last 50 steps."""
    timed = [row for row in rows[-50:] if row.get("seconds")]
    if not timed:
        return None
    return float((steps - rows[-1]["step"]) * sum(row["seconds"] for row in timed) / len(timed))


def _spawn(workspace: Workspace, run: str, request: TrainRequest) -> None:
    """Start the process in its own session, so that neither Ctrl-C in the terminal nor a closed browser ends it."""
    folder = workspace.runs / run
    line = [sys.executable, "-m", "composer_core.cli", *command_line(request, folder)[1:]]
    with (folder / store.LOG_FILE).open("ab") as log:
        environment = {**os.environ, "COMPOSER_WORKSPACE": str(workspace.root), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            line, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )
    started = store.RunState(
        "starting", process.pid, _start_time(process.pid), 0, request.steps or 0, "", "", time.time()
    )
    store.write_state(folder, started)


def _start_time(pid: int) -> float:
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()
