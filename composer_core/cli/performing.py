"""`composer train-performer`: train the drum performer, or print how near one comes to the players."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `train-performer`."""
    parser = subparsers.add_parser(
        "train-performer", allow_abbrev=False, help="train the drum performer (velocity and timing) on played takes"
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="a folder of played drum takes")
    parser.add_argument("-o", "--output", metavar="RUN", type=Path, required=True, help="the performer's folder")
    parser.add_argument("--epochs", type=float, help="walks over the training windows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluate", action="store_true", help="train nothing: evaluate the performer in RUN")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=train_performer)


def train_performer(arguments: argparse.Namespace) -> int:
    """Train (or only evaluate) and print the figures on the validation takes."""
    from composer_core.pipeline import performing

    if arguments.evaluate:
        report = performing.evaluate_performer(arguments.output, arguments.data)
    else:
        report = performing.train_performer(
            arguments.data, arguments.output, epochs=arguments.epochs, seed=arguments.seed, progress=_say
        )
    print(json.dumps(report, ensure_ascii=False, indent=2) if arguments.json else figures_table(report))
    return 0


def figures_table(report: dict[str, Any]) -> str:
    """The figures of an evaluation as lines of text, one a method."""
    head = (
        f"{report['takes']} takes, {report['notes']} notes; nats a note: velocity {report['nll_velocity']:.3f}, "
        f"offset {report['nll_offset']:.3f}; correlation of offsets struck together, played: "
        f"{report['played_correlation_together']:.2f}"
    )
    columns = list(next(iter(report["rows"].values())))
    lines = [head, f"{'':<38}" + "".join(f"{name:>23}" for name in columns)]
    for name, figures in report["rows"].items():
        cells = ("-" if figures[column] is None else f"{figures[column]:.2f}" for column in columns)
        lines.append(f"{name:<38}" + "".join(f"{cell:>23}" for cell in cells))
    return "\n".join(lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
