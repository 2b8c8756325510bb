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


def doctor(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 when nothing needed is missing, else 1."""
    from composer_core.pipeline.doctor import diagnose, nothing_missing

    findings = diagnose(Workspace(arguments.workspace) if arguments.workspace else default_workspace())
    ok = nothing_missing(findings)
    if arguments.json:
        print(json.dumps({"checks": [asdict(finding) for finding in findings], "ok": ok}, ensure_ascii=False, indent=2))
        return 0 if ok else 1
    for finding in findings:
        print(f"{finding.state:<9} {finding.name:<11} {finding.detail}")
        if finding.cure:
            print(f"{'':<21} cure: {finding.cure}")
    return 0 if ok else 1
