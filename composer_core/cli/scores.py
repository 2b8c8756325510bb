"""`composer calibrate`, `validate-scores`, `rescore` and `retry` fit, test and apply the scores."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue, require_choice
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add the commands about scores."""
    parser = subparsers.add_parser(
        "calibrate", allow_abbrev=False, help="build the calibration of an instrument's scores from human loops"
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--instrument", required=True, help="drums, bass, guitar, piano or strings")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where the files are written")
    _add_profile(parser)
    _add_steps(parser)
    parser.set_defaults(run=calibrate)
    parser = subparsers.add_parser(
        "validate-scores", allow_abbrev=False, help="tell playing from damage on takes that no calibration has seen"
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--instrument", default="drums", help="drums (default), bass, guitar, piano or strings")
    _add_profile(parser)
    parser.add_argument("--scores", metavar="DIR", type=Path, help="calibrations (default: the shipped ones)")
    parser.add_argument(
        "--left-out", action="store_true", help="also fit a model for each kind of damage that has seen nothing of it"
    )
    _add_steps(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=validate)
    parser = subparsers.add_parser(
        "validate-profiles",
        allow_abbrev=False,
        help="find the limits between performed and programmed, and check them on sets whose kind is known",
    )
    parser.add_argument("--data", metavar="PATH", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=validate_profiles)
    parser = subparsers.add_parser(
        "rescore", allow_abbrev=False, help="score the loops of the library again after a change of calibration"
    )
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--all", action="store_true", help="also loops that the calibration has not changed for")
    parser.set_defaults(run=rescore)
    parser = subparsers.add_parser(
        "retry", allow_abbrev=False, help="mend loops below the pass mark by rules, kept where they score better"
    )
    parser.add_argument("loop_ids", metavar="LOOP_ID", nargs="*", help="loops of the library")
    parser.add_argument("--all", action="store_true", help="the whole retry queue, the worst first")
    parser.add_argument("--limit", metavar="N", type=int, help="with --all: at most so many loops")
    parser.add_argument("--profile", help="with --all: only loops judged as performed or as programmed")
    parser.add_argument("--dry-run", action="store_true", help="show what the rules would do and add nothing")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object a loop")
    parser.set_defaults(run=retry)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile", default="performed", help="performed (default: by playing) or programmed (by writing alone)"
    )


def _add_steps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps", metavar="DIR", type=Path, help="keep what is measured here, so that another run need not"
    )


def calibrate(arguments: argparse.Namespace) -> int:
    """Build, write and print the card."""
    from composer_core.lab.scores import calibration
    from composer_core.lab.scores.steps import Steps

    card = calibration.calibrate(
        arguments.data,
        arguments.instrument,
        arguments.output,
        _print_progress,
        profile=arguments.profile,
        steps=Steps(arguments.steps),
    )
    print(json.dumps(card, ensure_ascii=False, indent=2))
    return 0


def validate(arguments: argparse.Namespace) -> int:
    """Print a line a kind of damage."""
    from composer_core.lab.scores import validation
    from composer_core.lab.scores.steps import Steps

    found: dict[str, Any] = validation.validate_scores(
        arguments.data,
        arguments.instrument,
        arguments.scores,
        _print_progress,
        left_out=arguments.left_out,
        profile=arguments.profile,
        steps=Steps(arguments.steps),
    )
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    print(
        f"{found['takes']} takes of {found['groups']} groups, {found['loops']} loops, "
        f"{100 * found['passed']:.0f} % of them pass"
    )
    for name, places in found["percentiles"].items():
        print(f"{name:<18}" + (" ".join(f"{place:5.1f}" for place in places) if places else "no score"))
    _print_kinds(found["kinds"])
    _print_not_counted(found)
    if arguments.left_out:
        print(f"each kind left out of training, {found['left_out']['loops']} loops:")
        _print_left_out(found["left_out"]["kinds"])
    return 0


def validate_profiles(arguments: argparse.Namespace) -> int:
    """Print the limits and a line a data set."""
    from composer_core.lab.scores import known_profiles

    found: dict[str, Any] = known_profiles.validate_profiles(arguments.data, _print_progress)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    best, rule = found["found"], found["rule"]
    low, high = best["as_good"]
    print(
        f"best: at least {best['min_off_grid_rate']:.2f} of the onsets off the grid ({low:.2f} to {high:.2f} are as "
        f"good) and {best['min_velocities']} velocities: {100 * best['accuracy']:.1f} %"
    )
    print(f"in use: {rule['min_off_grid_rate']:.2f} and {rule['min_velocities']}")
    print(f"{'':<28}{'kind':<12}{'loops':>6}{'right':>9}  off the grid, and velocities, at 5, 25, 50, 75, 95 %")
    for name, row in found["sets"].items():
        rates = " ".join(f"{value:.2f}" for value in row["off_grid_rate"])
        counts = " ".join(f"{value:.0f}" for value in row["velocities"])
        print(f"{name:<28}{row['profile']:<12}{row['loops']:>6}{100 * row['accuracy']:>7.1f} %  {rates}   {counts}")
    return 0


def _print_kinds(kinds: dict[str, Any]) -> None:
    print(f"{'':<18}{'total':>7}{'95 %':>13}{'axis':>7}  {'five strengths':<34}{'Spearman':>9}  other axes, points")
    for kind, row in kinds.items():
        graded = " ".join(f"{value:5.1f}" for value in row["graded"])
        others = ", ".join(f"{axis} {change:+.0f}" for axis, change in row["other_axes"].items())
        print(
            f"{kind:<18}{row['auc_total']:>7.3f}{_interval(row):>13}{row['auc_axis']:>7.3f}  "
            f"{graded:<34}{row['spearman']:>9.2f}  {others}"
        )


def _print_not_counted(found: dict[str, Any]) -> None:
    """What a profile that leaves axes out says of their damage, and of each data set."""
    if "not_counted" not in found:
        return
    print("damage that does not count, change of the total in points:")
    for kind, row in found["not_counted"].items():
        print(f"{kind:<18}{row['moved']:+7.1f}  AUC {row['auc_total']:.3f}")
    print(f"{'human loops of':<28}{'loops':>6}  5th, 25th, 50th{'pass':>12}  median as performed")
    for name, row in found["sets"].items():
        places = " ".join(f"{place:5.1f}" for place in row["percentiles"])
        print(f"{name:<28}{row['loops']:>6}  {places}{100 * row['passed']:>8.0f} %{row['median_as_performed']:>15.1f}")


def _print_left_out(kinds: dict[str, Any]) -> None:
    print(f"{'':<18}{'total':>7}{'95 %':>13}{'axis':>7}")
    for kind, row in kinds.items():
        print(f"{kind:<18}{row['auc_total']:>7.3f}{_interval(row):>13}{row['auc_axis']:>7.3f}")


def _interval(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{low:.2f}-{high:.2f}"


def rescore(arguments: argparse.Namespace) -> int:
    """Score again and print the counts."""
    from composer_core.pipeline.library import rescoring

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    print(json.dumps(rescoring.rescore(workspace, everything=arguments.all)))
    return 0


def retry(arguments: argparse.Namespace) -> int:
    """Mend loops and print each with its scores before and after."""
    from composer_core.estimate.scores.profiles import PROFILES
    from composer_core.pipeline.editing import mending
    from composer_core.pipeline.library.filters import Filter

    if bool(arguments.loop_ids) == arguments.all:
        raise InvalidValue("bad_format", name="retry", value=arguments.loop_ids, expected="loop ids, or --all alone")
    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    chosen = None if arguments.all else arguments.loop_ids
    if arguments.profile is not None:
        require_choice("profile", arguments.profile, PROFILES)
    asked = Filter(profiles=(arguments.profile,) if arguments.profile else ())
    found = mending.retry(workspace, chosen, limit=arguments.limit, keep=not arguments.dry_run, filter=asked)
    for one in found:
        print(json.dumps(mending.mended_json(one), ensure_ascii=False) if arguments.json else mending.mended_line(one))
    passed = sum(one.better for one in found)
    _print_progress(f"{passed} of {len(found)} loops made better")
    if any(one.kept_as for one in found):
        _print_progress(
            "Loops of the library hold notes only. To keep pedal, bends and the other parts of a file, "
            "save the steps as a recipe and apply it to the file."
        )
    return 0


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
