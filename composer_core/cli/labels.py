"""`composer backup`, `restore`, `master` and `labels` save, restore and export the labels."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace

LABEL_FACTS = (".source", ".confidence", ".status")


def register(subparsers: Subparsers) -> None:
    """Add `backup`, `restore`, `master` and `labels`."""
    backup_parser = subparsers.add_parser("backup", help="save all labels to one file, also while others label")
    backup_parser.add_argument("file", metavar="FILE", type=Path, help="the file to write; it is replaced")
    backup_parser.set_defaults(run=backup)
    restore_parser = subparsers.add_parser(
        "restore", help="put the labels of a backup in place of those that are there"
    )
    restore_parser.add_argument("file", metavar="FILE", type=Path, help="a file that composer backup wrote")
    restore_parser.set_defaults(run=restore)
    master_parser = subparsers.add_parser("master", help="write loops, metrics, scores and labels as one data set")
    master_parser.add_argument("-o", "--out", metavar="DIR", type=Path, required=True, help="the folder to write")
    master_parser.add_argument(
        "--captions", action="store_true", help="give loops without a caption one of their labels"
    )
    master_parser.add_argument(
        "--copies", action="store_true", help="keep exact copies of loops too, marked by duplicate_of"
    )
    master_parser.set_defaults(run=master)
    labels_parser = subparsers.add_parser("labels", help="write labels to a file, or read them from one")
    verbs = labels_parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    export_parser = verbs.add_parser("export", help="write the current labels")
    export_parser.set_defaults(run=export_file)
    import_parser = verbs.add_parser("import", help="store the labels of a file; a person's label goes on counting")
    import_parser.add_argument(
        "--source", metavar="NAME", default="", help="who said all of it (default: as the file says, else its name)"
    )
    import_parser.set_defaults(run=import_file)
    for parser in (export_parser, import_parser):
        parser.add_argument("file", metavar="FILE", type=Path, help="the file")
        parser.add_argument("--format", required=True, help="spreadsheet, csv, jsonl, label-studio, tags or mood")
    for parser in (backup_parser, restore_parser, master_parser, export_parser, import_parser):
        parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def backup(arguments: argparse.Namespace) -> int:
    """Back up and say what was saved."""
    from composer_core.pipeline.labels.files import back_up_labels

    facts = back_up_labels(_workspace(arguments), arguments.file)
    found = {"path": str(facts.path), "events": facts.n_events, "actions": facts.n_actions}
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{facts.n_events} label events saved to {facts.path}; the file is whole")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Restore and say where the labels before are kept."""
    from composer_core.pipeline.labels.files import restore_labels

    facts, kept = restore_labels(_workspace(arguments), arguments.file)
    if arguments.json:
        print(json.dumps({"path": str(facts.path), "events": facts.n_events, "kept": str(kept or "")}, indent=1))
    else:
        before = f"the labels before are kept in {kept}" if kept else "there were none before"
        print(f"{facts.n_events} label events restored; {before}")
    return 0


def master(arguments: argparse.Namespace) -> int:
    """Write the master data set, read it back with all checks, and say what it holds."""
    from composer_core.pipeline.exports.master import build_master, describe
    from composer_core.store.master import read_master

    build_master(_workspace(arguments), arguments.out, with_captions=arguments.captions, with_copies=arguments.copies)
    facts: dict[str, Any] = describe(read_master(arguments.out).manifest)
    if arguments.json:
        print(json.dumps(facts, indent=1))
    else:
        print(f"{facts['loops']} loops of {facts['songs']} songs in {arguments.out}, read back and whole")
        if facts["n_copies"]:
            print(f"exact copies of loops: {facts['n_copies']}, {facts['copies']}")
        if facts["empty_columns"]:
            # Without the three that stand beside each label.
            names = [name for name in facts["empty_columns"] if not name.endswith(LABEL_FACTS)]
            print(f"columns left out, without any value: {', '.join(names)}")
        print(f"digest {facts['digest']}, schema {facts['schema_version']}")
    return 0


def export_file(arguments: argparse.Namespace) -> int:
    """Export and say how many labels."""
    from composer_core.pipeline.labels.files import export_labels

    count = export_labels(_workspace(arguments), arguments.file, arguments.format)
    print(json.dumps({"labels": count}) if arguments.json else f"{count} labels written to {arguments.file}")
    return 0


def import_file(arguments: argparse.Namespace) -> int:
    """Import and report; 0 when any row was stored or known."""
    from composer_core.pipeline.labels.files import import_label_file

    source = f"import:{arguments.source}" if arguments.source else ""
    report = import_label_file(_workspace(arguments), arguments.file, arguments.format, source)
    if arguments.json:
        print(json.dumps(report.to_json(), indent=1))
    else:
        for refusal in report.refused:
            print(f"refused   {refusal.origin!a}: {refusal.message!a}")
        print(f"{report.written} labels written, {report.unchanged} known already, {report.n_refused} refused")
    return 0 if report.written or report.unchanged else 1


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace(arguments.workspace) if arguments.workspace else default_workspace()
