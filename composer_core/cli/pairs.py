"""`composer pairs`: training pairs out of a master data set."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from composer_core.workspace import Workspace


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `pairs`."""
    parser = subparsers.add_parser(
        "pairs", allow_abbrev=False, help="write loops that are alike, loops that only seem so, and texts about loops"
    )
    parser.add_argument("master", metavar="MASTER", type=Path, help="a folder that composer master wrote")
    parser.add_argument("-o", "--out", metavar="DIR", type=Path, required=True, help="the folder to write")
    parser.add_argument("--positives", metavar="N", type=int, help="partners each loop looks for (default: 2)")
    parser.add_argument(
        "--hard-negatives", metavar="N", type=int, help="likewise, alike in one thing only (default: 2)"
    )
    parser.add_argument("--negatives", metavar="N", type=int, help="likewise, alike in nothing (default: 2)")
    parser.add_argument("--least-confidence", metavar="C", type=float, help="of machines' labels (default: 0.5)")
    parser.add_argument("--seed", metavar="N", type=int, help="of what is drawn by chance (default: 0)")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="whose own vocabularies the labels use")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=pairs)


def pairs(arguments: argparse.Namespace) -> int:
    """Write the pairs, read them back with all checks, and say what they hold; always 0."""
    from composer_core.pipeline.pairs import PairOptions, build_pairs, describe, read_pairs
    from composer_core.pipeline.vocabularies import vocabularies

    names = ("positives", "hard_negatives", "negatives", "least_confidence", "seed")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    words = vocabularies(Workspace(arguments.workspace)) if arguments.workspace else None
    build_pairs(arguments.master, arguments.out, PairOptions(**given), words)
    facts = describe(read_pairs(arguments.out))
    if arguments.json:
        print(json.dumps(facts, indent=1))
        return 0
    reasons = ", ".join(f"{count} {reason}" for reason, count in facts["reasons"].items()) or "none"
    splits = ", ".join(f"{count} {split}" for split, count in facts["splits"].items()) or "none"
    print(f"{facts['pairs']} pairs ({reasons}; {splits}) and {facts['texts']} texts in {arguments.out}")
    print(f"read back and whole, digest {facts['digest']}")
    return 0
