"""`composer calibrate` builds the reference of the scores; `composer rescore` scores the library again."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.workspace import Workspace, default_workspace


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `calibrate` and `rescore`."""
    parser = subparsers.add_parser(
        "calibrate", allow_abbrev=False, help="build the calibration of an instrument's scores from human loops"
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--instrument", required=True, help="drums, bass, guitar, piano or strings")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where the files are written")
    parser.set_defaults(run=calibrate)
    parser = subparsers.add_parser(
        "rescore", allow_abbrev=False, help="score the loops of the library again after a change of calibration"
    )
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--all", action="store_true", help="also loops that the calibration has not changed for")
    parser.set_defaults(run=rescore)


def calibrate(arguments: argparse.Namespace) -> int:
    """Build, write and print the card."""
    from composer_core.pipeline import calibration

    card = calibration.calibrate(arguments.data, arguments.instrument, arguments.output, _say)
    print(json.dumps(card, ensure_ascii=False, indent=2))
    return 0


def rescore(arguments: argparse.Namespace) -> int:
    """Score again and print the counts."""
    from composer_core.pipeline import rescoring

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    print(json.dumps(rescoring.rescore(workspace, everything=arguments.all)))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
