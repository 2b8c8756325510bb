"""`composer similar`: the loops of the library nearest to one of them or to a MIDI file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from composer_core.cli.browsing import shown
from composer_core.workspace import Workspace, default_workspace

_WAYS = ("fingerprint", "metrics")
_BARS = (1, 2, 4, 8)


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
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
