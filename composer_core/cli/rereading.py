"""`composer reread` reads the library's files again with today's reading, and takes that back."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.cli.library import FileProgress, shown
from composer_core.workspace import Workspace, default_workspace

_FILES_PRINTED = 20
_WORDS = {
    "instrument": "another instrument",
    "longer": "longer",
    "shorter": "shorter",
    "held": "held notes that sound into the loop",
    "meter": "another metre",
    "tempo": "another tempo",
    "drum_map": "another note map of the drums",
    "notes": "other notes",
    "place": "another place in the song",
    "declared": "the key or metre that the file declares",
    "names": "other names or numbers",
    "new": "new, where no loop was",
    "gone": "gone, and nothing in their place",
}
"""In the order of `changes.CLASSES`; a test holds the names equal."""


def register(subparsers: Subparsers) -> None:
    """Add `reread`."""
    parser = subparsers.add_parser(
        "reread", allow_abbrev=False, help="read the library's files again, with what reading has learnt since"
    )
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--jobs", type=int, metavar="N", help="reader processes (default: one a processor)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preview", action="store_true", help="only say what would change")
    how.add_argument("--undo", action="store_true", help="bring back what the last re-read replaced, with its labels")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=reread)


def reread(arguments: argparse.Namespace) -> int:
    """Re-read (or say what would change, or take it back) and report; 1 where files could not be read."""
    from composer_core.pipeline.library import reread as rereads

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    if arguments.undo:
        return _undo(workspace, arguments.json)
    progress = FileProgress() if sys.stderr.isatty() else None
    act = rereads.preview if arguments.preview else rereads.reread
    report: dict[str, Any] = act(workspace, jobs=arguments.jobs, progress=progress).to_json()
    if progress is not None:
        progress.end()
    if arguments.json:
        print(json.dumps(report, indent=1, allow_nan=False))
    else:
        _print_report(report)
    return 1 if report["not_reread"] else 0


def _undo(workspace: Workspace, as_json: bool) -> int:
    from composer_core.pipeline.library import reread as rereads

    undone = rereads.undo(workspace)
    if as_json:
        print(json.dumps({"undone": undone.id if undone else None}))
    elif undone is None:
        print("no re-read to take back")
    else:
        print(
            f"the re-read of {undone.at} is taken back: {undone.about['loops_set_aside']} loops are back with their "
            f"labels, {undone.about['loops_put_in']} set aside"
        )
    return 0


def _print_report(report: dict[str, Any]) -> None:
    for row in report["not_reread"]:
        print(f"not read  {shown(row['message'])}")
    if not report["files_changed"]:
        print(f"nothing changes: {report['loops']} loops of {report['files']} files were read by an earlier reading")
        return
    for row in report["changes"][:_FILES_PRINTED]:
        ways = ", ".join(f"{count} {_WORDS[name]}" for name, count in row["loops"].items())
        print(f"{shown(row['path'])}: {ways}")
    if report["files_changed"] > _FILES_PRINTED:
        print(f"and {report['files_changed'] - _FILES_PRINTED} more files")
    print(f"\n{report['files_changed']} of {report['files']} files change; their loops have")
    for name, count in report["classes"].items():
        print(f"  {count:>8}  {_WORDS[name]}")
    labels = report["labels"]
    done = "" if report["applied"] else "would be "
    print(
        f"{report['loops_set_aside']} loops {done}set aside, {report['loops_put_in']} {done}put in; "
        f"{labels['drafts']} labels {done}carried over as drafts, {labels['imported']} of data sets copied, "
        f"{labels['left']} decisions left with the old loops"
    )
    print("back again: composer reread --undo" if report["applied"] else "do it: composer reread")
