"""`composer imports` lists earlier imports, deletes one with its loops, and brings it back."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.cli.library import shown
from composer_core.workspace import Workspace, default_workspace

_STATES = {"here": "", "deleted": "deleted, back until {until}", "gone": "gone for good", "empty": "no loops"}


def register(subparsers: Subparsers) -> None:
    """Add `imports`."""
    parser = subparsers.add_parser("imports", help="list earlier imports, delete one with its loops, bring it back")
    _common(parser)
    parser.set_defaults(run=show)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    for name, act, words in (
        ("delete", delete, "take the loops of an import out of the library; for 30 days they can be brought back"),
        ("restore", restore, "bring a deleted import back, with its labels"),
    ):
        one = acts.add_parser(name, help=words)
        one.add_argument("id", metavar="ID", help="the import's id, as `composer imports` lists it")
        _common(one)
        one.set_defaults(run=act)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _workspace(arguments: argparse.Namespace) -> Workspace:
    return Workspace(arguments.workspace) if arguments.workspace else default_workspace()


def show(arguments: argparse.Namespace) -> int:
    """List the imports, the newest first."""
    from composer_core.pipeline.library.import_history import imports

    found: list[dict[str, Any]] = imports(_workspace(arguments))
    if arguments.json:
        print(json.dumps(found, indent=1, allow_nan=False))
        return 0
    for entry in found:
        state = _STATES[entry["state"]].format(until=str(entry["until"])[:10])
        paths = shown(", ".join(entry["paths"]))
        print(
            f"{entry['id']}  {entry['at'][:16]}  {entry['n_loops']:>8} loops  {paths}{f'  ({state})' if state else ''}"
        )
    return 0


def delete(arguments: argparse.Namespace) -> int:
    """Delete an import with its loops."""
    from composer_core.pipeline.library.import_history import KEPT_DAYS, delete_import

    done = delete_import(_workspace(arguments), arguments.id)
    if arguments.json:
        print(json.dumps({"deleted": arguments.id, "n_loops": done.about["n_loops"]}))
    else:
        print(
            f"{done.about['n_loops']} loops are out of the library; back within {KEPT_DAYS} days: "
            f"composer imports restore {arguments.id}"
        )
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Bring a deleted import back."""
    from composer_core.pipeline.library.import_history import bring_back

    bring_back(_workspace(arguments), arguments.id)
    print(json.dumps({"restored": arguments.id}) if arguments.json else "its loops are back, with their labels")
    return 0
