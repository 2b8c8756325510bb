"""`composer evaluate` measures a model on held-out takes, beside real loops and baselines."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.errors import NotFound
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.workspace import Workspace, default_workspace

PARTS = ("speed", "validity", "control", "emotion", "likelihood", "loops")


def register(subparsers: Subparsers) -> None:
    """Add `evaluate`."""
    parser = subparsers.add_parser(
        "evaluate", help="measure a model on takes it never saw, beside n-grams, other baselines and real loops"
    )
    parser.add_argument("model", help="a model's name or folder")
    parser.add_argument("--instrument", default="drums", choices=GENERATED_INSTRUMENTS)
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="PATH",
        help="a data set with its held-out takes, the folder of all permitted sets, or the word library",
    )
    add_measuring(parser)
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be given again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write report.json and report.html there")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_evaluate)


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """Add on how much, and by which judge, a model is measured."""
    parser.add_argument(
        "--takes", type=int, default=500, help="loops control is measured on; the other parts in proportion"
    )
    parser.add_argument(
        "--judge-data",
        type=Path,
        metavar="PATH",
        help="clips rated by people (EMOPIA), from which a judge of emotion learns",
    )


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Measure, write the report and the page, print the tables."""
    from composer_core.lab.composer.evaluation import PARTS as ALL
    from composer_core.lab.composer.evaluation import Counts, evaluate
    from composer_core.lab.composer.page import page
    from composer_core.lab.composer.text import text_lines
    from composer_core.pipeline.models import find_model
    from composer_core.pipeline.training.runs import LIBRARY
    from composer_core.store.atomic import write_bytes, write_json

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    info = find_model(arguments.instrument, arguments.model, workspace)
    data: Path | Workspace = workspace if str(arguments.data) == LIBRARY else arguments.data
    for path in (data, arguments.judge_data):
        if isinstance(path, Path) and not path.exists():
            raise NotFound("path_missing", path=str(path))
    report = evaluate(
        info,
        data,
        Counts.scaled(arguments.takes),
        arguments.seed,
        arguments.instrument,
        arguments.judge_data,
        arguments.only or ALL,
        _print_progress,
    )
    if arguments.output is not None:
        write_json(arguments.output / "report.json", report)
        write_bytes(arguments.output / "report.html", page(report).encode())
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print("\n".join(text_lines(report)))
    return 0


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
