"""`composer calibrate`, `validate-scores` and `rescore`: the reference of the scores, its proof, its use."""

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
        "validate-scores", allow_abbrev=False, help="tell playing from damage on takes that no calibration has seen"
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--instrument", default="drums", help="drums (default), bass, guitar, piano or strings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=validate)
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


def validate(arguments: argparse.Namespace) -> int:
    """Print a line a kind of damage."""
    from composer_core.pipeline import score_validation

    found = score_validation.validate_scores(arguments.data, arguments.instrument, progress=_say)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    print(f"{found['takes']} takes, {found['loops']} loops, {100 * found['passed']:.0f} % of them pass")
    print(f"{'':<18}{'total':>7}{'axis':>7}  {'five strengths':<34}{'Spearman':>9}  other axes, points")
    for kind, row in found["kinds"].items():
        graded = " ".join(f"{value:5.1f}" for value in row["graded"])
        others = ", ".join(f"{axis} {change:+.0f}" for axis, change in row["other_axes"].items())
        print(
            f"{kind:<18}{row['auc_total']:>7.3f}{row['auc_axis']:>7.3f}  {graded:<34}{row['spearman']:>9.2f}  {others}"
        )
    return 0


def rescore(arguments: argparse.Namespace) -> int:
    """Score again and print the counts."""
    from composer_core.pipeline import rescoring

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    print(json.dumps(rescoring.rescore(workspace, everything=arguments.all)))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
