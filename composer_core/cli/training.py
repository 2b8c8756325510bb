"""`composer train`: train a composer for one instrument, in the foreground, resumable."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from composer_core.errors import NotFound
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.workspace import Workspace, default_workspace

STOPPED = 130
LOG = "training"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `train`."""
    parser = subparsers.add_parser("train", help="train a composer on a folder of MIDI or on the library")
    parser.add_argument(
        "--instrument", required=True, choices=(*GENERATED_INSTRUMENTS, "all"), help="all: one model of the five"
    )
    parser.add_argument("--data", required=True, metavar="PATH", help="a folder of MIDI, or the word library")
    parser.add_argument("--size", choices=("tiny", "small", "base", "large"))
    parser.add_argument(
        "-o", "--output", required=True, metavar="RUN", type=Path, help="run folder; resumes what is there"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML with any field of the training configuration")
    parser.add_argument(
        "--start", metavar="MODEL", help="go on from a model (its name or folder), which gives the size"
    )
    parser.add_argument("--adapter", action="store_true", help="with --start: train low-rank adapters only")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, help="CPU threads (0: as many as the machine has)")
    parser.add_argument("--workspace", type=Path, help="workspace whose library is meant by --data library")
    parser.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    """Train; 0 finished, 130 stopped with a checkpoint kept."""
    from composer_core.logs import log_to
    from composer_core.model.config import TrainConfig, config_from_json, read_train_config
    from composer_core.pipeline.training.runs import LIBRARY, TrainRequest
    from composer_core.pipeline.training.worker import train_run
    from composer_core.store.atomic import write_json

    names = ("instrument", "size", "steps", "device", "seed", "threads")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    given |= _started(arguments)
    if arguments.config is not None:
        config = read_train_config(arguments.config, **given)
    else:
        config = config_from_json(TrainConfig, given, "the command line")
    data: Path | Workspace = Path(arguments.data)
    if arguments.data == LIBRARY:
        data = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    elif not Path(arguments.data).exists():
        raise NotFound("path_missing", path=arguments.data)
    home = default_workspace()
    if arguments.output.resolve().is_relative_to(home.runs.resolve()):
        log_to(home, LOG)  # as the studio starts it; a run elsewhere leaves the workspace alone
    request_path = arguments.output / "request.json"
    if not request_path.is_file():
        steps = config.steps or None
        request = TrainRequest(
            config.instrument,
            arguments.data,
            config.size,
            steps,
            config.device,
            config.seed,
            start=arguments.start or config.start,
            adapter=config.adapter,
        )
        write_json(request_path, asdict(request))
    finished = train_run(arguments.output, config, data, say)
    if not finished:
        say(f"stopped; the same command goes on from the checkpoint in {arguments.output}")
    return 0 if finished else STOPPED


def _started(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of a training that goes on from a model: a shipped one, one of the workspace, or a folder."""
    if not arguments.start:
        return {"adapter": True} if arguments.adapter else {}
    from composer_core.pipeline.models import find_model
    from composer_core.pipeline.training.runs import FINE_TUNING_RATE, TRAIN_SIZES

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    model = find_model(arguments.instrument, arguments.start, workspace)
    fields: dict[str, Any] = {"start": str(model.path), "adapter": arguments.adapter}
    if arguments.config is None:
        fields["learning_rate"] = FINE_TUNING_RATE
    return fields | ({"size": model.size} if model.size in TRAIN_SIZES else {})


def say(line: str) -> None:
    """A line of progress, at once."""
    print(line, file=sys.stderr, flush=True)
