"""`composer train` trains a composer for one instrument in the foreground, and can resume."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.errors import NotFound
from composer_core.model.training_options import TRAIN_OPTIONS
from composer_core.workspace import Workspace, default_workspace

STOPPED = 130
LOG = "training"


def register(subparsers: Subparsers) -> None:
    """Add `train`."""
    parser = subparsers.add_parser("train", help="train a composer on a folder of MIDI or on the library")
    for option in TRAIN_OPTIONS.values():
        if option.flags:
            keywords: dict[str, Any] = option.argument()
            parser.add_argument(*option.flags, **keywords)
    parser.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    """Train; 0 finished, 130 stopped with a checkpoint kept."""
    from composer_core.logs import log_to
    from composer_core.model.config import TrainConfig, config_from_json, read_train_config
    from composer_core.pipeline.training.runs import LIBRARY, request_of
    from composer_core.pipeline.training.worker import train_run
    from composer_core.store.atomic import write_json

    # The model to go on from is looked for first: see _started.
    names = {spec.name for spec in fields(TrainConfig)} - {"start", "adapter"}
    asked = [option.name for option in TRAIN_OPTIONS.values() if option.flags and option.name in names]
    given = {name: value for name in asked if (value := getattr(arguments, name)) is not None}
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
        write_json(request_path, asdict(request_of(config, arguments.data, arguments.start or config.start)))
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
