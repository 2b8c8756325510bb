"""`composer perform` gives written notes velocity and timing; `composer train-performer` trains the performer."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `perform` and `train-performer`."""
    perform = subparsers.add_parser(
        "perform", allow_abbrev=False, help="play a MIDI file as a person would, or measure how near that comes"
    )
    perform.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a MIDI file")
    perform.add_argument("-o", "--output", metavar="OUT", type=Path, help="the MIDI file to write")
    perform.add_argument("--humanise", type=float, default=100.0, help="0 to 100 %% of the timing (default 100)")
    perform.add_argument("--seed", type=int, default=0)
    perform.add_argument("--evaluate", metavar="DIR", type=Path, nargs="+", help="measure on the held-out takes of DIR")
    perform.add_argument("--instrument", choices=GENERATED_INSTRUMENTS, default="drums", help="with --evaluate")
    perform.add_argument("--json", action="store_true", help="print one JSON object")
    perform.set_defaults(run=perform_file)
    train = subparsers.add_parser(
        "train-performer", allow_abbrev=False, help="train the performer of an instrument (velocity and timing)"
    )
    train.add_argument("--instrument", choices=GENERATED_INSTRUMENTS, default="drums", help="(default drums)")
    train.add_argument(
        "--data",
        metavar="PATH",
        type=Path,
        nargs="+",
        required=True,
        help="folders of played takes, or the word library",
    )
    train.add_argument("-o", "--output", metavar="RUN", type=Path, required=True, help="the performer's folder")
    train.add_argument("--epochs", type=float, help="walks over the training windows")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--evaluate", action="store_true", help="train nothing: evaluate the performer in RUN")
    train.add_argument("--peers", action="store_true", help="fit gradient boosting beside it")
    train.add_argument("--workspace", type=Path, help="workspace whose library is meant by --data library")
    train.add_argument("--json", action="store_true", help="print one JSON object")
    train.set_defaults(run=train_performer)


def perform_file(arguments: argparse.Namespace) -> int:
    """Write the played file, or print the figures of the shipped performer beside its peers."""
    from composer_core.lab.performer import training
    from composer_core.pipeline.generation.performed_files import perform_file as perform

    if arguments.evaluate:
        folder = training.shipped_performer(arguments.instrument)
        report = training.evaluate_performer(folder, arguments.evaluate, arguments.instrument, peers=True)
        print(json.dumps(report, ensure_ascii=False, indent=2) if arguments.json else figures_table(report))
        return 0
    if arguments.file is None or arguments.output is None:
        raise InvalidValue(
            "bad_format", name="composer perform", value="no file", expected="FILE and -o OUT, or --evaluate"
        )
    played = perform(arguments.file, arguments.output, humanise_percent=arguments.humanise, seed=arguments.seed)
    if arguments.json:
        print(json.dumps(played.to_json(), ensure_ascii=False, indent=2))
        return 0
    print(f"{played.edited.path}: {played.edited.n_parts} parts, {played.edited.n_notes_after} notes")
    for line in played.sentences():
        print(line)
    return 0


def train_performer(arguments: argparse.Namespace) -> int:
    """Train (or only evaluate) and print the figures on the validation takes."""
    from composer_core.lab.performer import training
    from composer_core.pipeline.training.runs import LIBRARY

    home = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    data: training.Data = [home if str(path) == LIBRARY else path for path in arguments.data]
    if arguments.evaluate:
        report = training.evaluate_performer(
            arguments.output, data, arguments.instrument, peers=arguments.peers, keep=True
        )
    else:
        report = training.train_performer(
            data,
            arguments.output,
            instrument=arguments.instrument,
            epochs=arguments.epochs,
            seed=arguments.seed,
            peers=arguments.peers,
            progress=_print_progress,
        )
    print(json.dumps(report, ensure_ascii=False, indent=2) if arguments.json else figures_table(report))
    return 0


def figures_table(report: Mapping[str, object]) -> str:
    """The figures of an evaluation as lines of text, one a method."""
    together = report["played_correlation_together"]
    head = (
        f"{report['takes']} takes, {report['notes']} notes; nats a note: velocity {report['nll_velocity']:.3f}, "
        f"offset {report['nll_offset']:.3f}; played: velocity spread {report['played_velocity_spread']:.1f}, "
        f"correlation of offsets struck together {'-' if together is None else format(together, '.2f')}"
    )
    methods = cast(Mapping[str, Mapping[str, float | None]], report["rows"])
    columns = list(next(iter(methods.values())))
    lines = [head, f"{'':<38}" + "".join(f"{name:>23}" for name in columns)]
    for name, figures in methods.items():
        cells = ("-" if figures[column] is None else f"{figures[column]:.2f}" for column in columns)
        lines.append(f"{name:<38}" + "".join(f"{cell:>23}" for cell in cells))
    return "\n".join(lines)


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
