"""`composer dedupe` leaves near-duplicates out of training, and restores them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace

_PAIRS_PRINTED = 20


def register(subparsers: Subparsers) -> None:
    """Add `dedupe`."""
    parser = subparsers.add_parser("dedupe", allow_abbrev=False, help="leave near-duplicates out of training")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--threshold", metavar="SHARE", type=float, help="share of notes that may differ, 0 to 1")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only say what would be left out")
    how.add_argument("--undo", action="store_true", help="take back all that was left out as near-duplicates")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=dedupe)


def dedupe(arguments: argparse.Namespace) -> int:
    """Find, leave out (or take back) and report; always 0."""
    from composer_core.pipeline.library import duplicates

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    if arguments.undo:
        n_back = duplicates.undo(workspace)
        print(json.dumps({"restored": n_back}) if arguments.json else f"{n_back} loops taken back")
        return 0
    threshold = duplicates.THRESHOLD if arguments.threshold is None else arguments.threshold
    found = duplicates.find(workspace, threshold)
    n_excluded = 0 if arguments.dry_run else duplicates.exclude_later(workspace, found)
    if arguments.json:
        print(json.dumps({"threshold": threshold, "excluded": n_excluded, **found.to_json()}, indent=1))
        return 0
    for pair in found.pairs[:_PAIRS_PRINTED]:
        print(f"{pair.first}  {pair.second}  {pair.distance:.3f}  {pair.reason}")
    if len(found.pairs) > _PAIRS_PRINTED:
        print(f"and {len(found.pairs) - _PAIRS_PRINTED} more pairs")
    print(f"{len(found.groups)} groups, {len(found.later)} loops repeat an earlier one; {n_excluded} newly left out")
    if found.commonplaces:
        print(f"{found.commonplaces} patterns are too common to compare loops by")
    return 0
