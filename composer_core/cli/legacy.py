"""`composer import-legacy` reads the predecessor's files, and `composer export-stage2` writes them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `import-legacy` and `export-stage2`."""
    parser = subparsers.add_parser("import-legacy", help="read the files of the predecessor, composer4")
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder of its files, MIDI files beside or not")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=import_files)

    export = subparsers.add_parser("export-stage2", help="write the library in the files of the predecessor")
    export.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where the files go")
    export.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    export.set_defaults(run=export_files)


def import_files(arguments: argparse.Namespace) -> int:
    """Import and report; 0 when any row was matched."""
    from composer_core.pipeline.datasets.legacy import import_legacy

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    report = import_legacy(arguments.folder, workspace).to_json()
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        _print_report(report)
    return 0 if report["matched"] else 1


def export_files(arguments: argparse.Namespace) -> int:
    """Write the three files."""
    from composer_core.pipeline.exports.legacy import export_stage2

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    written = export_stage2(workspace, arguments.output)
    print(f"{written['loops']} loops and {written['notes']} notes written to {arguments.output}")
    return 0


def _print_report(report: dict[str, Any]) -> None:
    for kind, count in report["read"].items():
        print(f"{kind:<10} {count} rows read, {report['matched'].get(kind, 0)} matched")
    for name in ("refused", "unmatched", "conflicts"):
        for row in report[name]:
            print(f"{name:<10} {json.dumps(row['message'], ensure_ascii=True)}")
    print(
        f"{report['loops_added']} loops, {report['rows_added']} rows and {report['labels']['written']} labels added; "
        f"{len(report['files_skipped'])} other files"
    )
    if not report["changed"]:
        print("nothing changed")
