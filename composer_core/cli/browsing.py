"""`composer loops` filters the library into a table or a file; `composer similar` lists a loop's nearest neighbours."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace

_SHOWN = ("loop_id", "instrument", "meter", "tempo_bpm", "n_notes", "label_status", "labels.genre", "source")
_DEFAULT_LIMIT = 20


def register(subparsers: Subparsers) -> None:
    """Add `loops` and `similar`."""
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
    _register_similar(subparsers)


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


def shown(value: object) -> str:
    """One cell: control characters (names are other people's text) escaped, nothing for nothing."""
    if value is None or value != value:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_WAYS = ("fingerprint", "metrics")
_BARS = (1, 2, 4, 8)


def _register_similar(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `similar`."""
    parser = subparsers.add_parser(
        "similar",
        allow_abbrev=False,
        help="find the loops nearest to a loop or a MIDI file",
        description="List the loops of the same instrument nearest to a loop of the library, or to each loop of a "
        "MIDI file: by the fingerprint of its rhythm or by what is measured. Example: composer similar take.mid -k 5",
    )
    parser.add_argument("target", metavar="LOOP_ID|FILE", help="a loop's id, or a MIDI file")
    parser.add_argument("--by", choices=_WAYS, default="metrics", help="what is compared (default metrics)")
    parser.add_argument("-k", type=int, default=20, help="how many (default 20)")
    parser.add_argument("--instrument", help="only the file's loops of this instrument")
    parser.add_argument("--bars", type=int, choices=_BARS, default=4, help="length of the file's loops (default 4)")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run_similar)


def run_similar(arguments: argparse.Namespace) -> int:
    """Search and print; 0 also when there is nothing to compare with."""
    from composer_core.pipeline.library.similar_files import described, similar_to_any

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    answers = similar_to_any(
        workspace, arguments.target, arguments.k, arguments.by, bars=arguments.bars, instrument=arguments.instrument
    )
    found = [(answer.of, described(workspace, answer.found)) for answer in answers]
    if arguments.json:
        rows = [{"of": of, "similar": near} for of, near in found]
        print(json.dumps({"by": arguments.by, "k": arguments.k, "answers": rows}, indent=1))
        return 0
    for of, near in found:
        print(", ".join(f"{name} {shown(value)}" for name, value in of.items()))
        for row in near:
            place = f"{shown(row['source'])}{' > ' + shown(row['member']) if row['member'] else ''}"
            print(f"  {row['distance']:.3f}  {row['loop_id']}  {row['tempo_bpm']:6.1f} BPM  {place}")
    return 0
