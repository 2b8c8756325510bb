"""`composer doctor` reports what works on this machine, and the command to type for what does not."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `doctor`."""
    parser = subparsers.add_parser(
        "doctor", allow_abbrev=False, help="check Python, FluidSynth, SoundFont, GPU, workspace and models"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="the workspace to look at")
    parser.set_defaults(run=doctor)
    mending = subparsers.add_parser(
        "repair", allow_abbrev=False, help="rebuild or set aside the damaged files of a workspace; nothing is deleted"
    )
    mending.add_argument(
        "--without-labels",
        action="store_true",
        help="begin without labels where they are damaged and no backup is left",
    )
    mending.add_argument("--json", action="store_true", help="print one JSON object")
    mending.add_argument("--workspace", metavar="DIR", type=Path, help="the workspace to mend")
    mending.set_defaults(run=repair_workspace)


def doctor(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 when nothing needed is missing, else 1."""
    from composer_core.pipeline.doctor import diagnose, nothing_missing
    from composer_core.pipeline.recovery.examine import examine

    workspace = _workspace(arguments)
    findings = diagnose(workspace)
    harms = examine(workspace) if workspace.root.is_dir() else []
    ok = nothing_missing(findings) and not harms
    if arguments.json:
        checks, damaged = [asdict(finding) for finding in findings], [asdict(harm) for harm in harms]
        print(json.dumps({"checks": checks, "damaged": damaged, "ok": ok}, ensure_ascii=False, indent=2))
        return 0 if ok else 1
    for finding in findings:
        print(f"{finding.state:<9} {finding.name:<11} {finding.detail}")
        if finding.cure:
            print(f"{'':<21} cure: {finding.cure}")
    for harm in harms:
        print(f"{'damaged':<9} {ascii(harm.file)[1:-1]}: {ascii(harm.reason)[1:-1]}")
        print(f"{'':<21} cure: {harm.cure}")
    return 0 if ok else 1


def repair_workspace(arguments: argparse.Namespace) -> int:
    """Mend and say what became of each file; 1 when something is left to do."""
    from composer_core.pipeline.recovery.repair import LEFT, repair

    done = repair(_workspace(arguments), without_labels=arguments.without_labels)
    left = any(mended.act == LEFT for mended in done)
    if arguments.json:
        print(json.dumps({"files": [asdict(mended) for mended in done], "ok": not left}, indent=2))
        return 1 if left else 0
    for mended in done:
        place = f" -> {ascii(mended.place)[1:-1]}" if mended.place else ""
        print(f"{mended.act:<9} {ascii(mended.file)[1:-1]}: {ascii(mended.reason)[1:-1]}{place}")
        if mended.todo:
            print(f"{'':<9} to bring back what it held: {mended.todo}")
    if not done:
        print("nothing is damaged")
    return 1 if left else 0


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace(arguments.workspace) if arguments.workspace else default_workspace()
