"""`composer loops`: what the library holds, filtered, as a table or a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from composer_core.workspace import Workspace, default_workspace

_SHOWN = ("loop_id", "instrument", "meter", "tempo_bpm", "n_notes", "label_status", "labels.genre", "source")
_DEFAULT_LIMIT = 20


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `loops`."""
    parser = subparsers.add_parser(
        "loops",
        help="list or export loops of the library",
        description="List the loops that answer a question, the newest first, or write them to a file. Example: "
        "composer loops --where 'instrument=drums and tempo_bpm>=100 and genre=funk' --format csv -o funk.csv",
    )
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--where", metavar="TEXT", default="", help="comparisons joined by 'and'; = != >= > <= < and |")
    parser.add_argument("--columns", metavar="NAMES", help="columns to write, separated by commas (default: all)")
    parser.add_argument("--format", choices=("csv", "jsonl", "parquet"), help="write a file of this format")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write it (default: print it)")
    parser.add_argument("--limit", type=int, default=_DEFAULT_LIMIT, help="rows of the printed table (default 20)")
    parser.add_argument("--list-columns", action="store_true", help="print every column with its kind")
    parser.set_defaults(run=loops)


def loops(arguments: argparse.Namespace) -> int:
    """List or export; 0 also when nothing answers."""
    from composer_core.errors import InvalidValue
    from composer_core.pipeline.library import browse

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    if arguments.list_columns:
        for name, kind in browse.columns(workspace).items():
            print(f"{name:<32} {kind}")
        return 0
    asked = browse.where(workspace, arguments.where)
    names = arguments.columns.split(",") if arguments.columns else None
    if arguments.format is None and arguments.output is not None:
        raise InvalidValue("bad_format", name="--format", value="", expected="csv, jsonl or parquet beside --output")
    if arguments.format is None:
        return _print_table(workspace, asked, names or list(_SHOWN), arguments.limit)
    if arguments.output is None:
        browse.export(workspace, sys.stdout.buffer, arguments.format, asked, names)
        return 0
    n_rows = browse.export_file(workspace, arguments.output, arguments.format, asked, names)
    print(f"{n_rows} loops written to {arguments.output}")
    return 0


def _print_table(workspace: Workspace, asked: Any, names: list[str], limit: int) -> int:
    from composer_core.pipeline.library import browse

    found = browse.page(workspace, asked, limit=limit, columns=names)
    print("\t".join(names))
    for row in found.rows.itertuples(index=False):
        print("\t".join(shown(value) for value in row))
    print(f"{len(found.rows)} of {found.total} loops", file=sys.stderr)
    return 0


def shown(value: Any) -> str:
    """One cell: control characters (names are other people's text) escaped, nothing for nothing."""
    if value is None or value != value:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
