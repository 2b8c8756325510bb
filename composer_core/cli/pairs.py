"""`composer captions` writes sentences about loops; `composer pairs` makes training pairs from a master data set."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from composer_core.cli import Subparsers
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `captions` and `pairs`."""
    _register_captions(subparsers)
    parser = subparsers.add_parser(
        "pairs", allow_abbrev=False, help="write loops that are alike, loops that only seem so, and texts about loops"
    )
    parser.add_argument("master", metavar="MASTER", type=Path, help="a folder that composer master wrote")
    parser.add_argument("-o", "--out", metavar="DIR", type=Path, required=True, help="the folder to write")
    parser.add_argument("--positives", metavar="N", type=int, help="partners each loop looks for (default: 2)")
    parser.add_argument(
        "--hard-negatives", metavar="N", type=int, help="likewise, alike in all but one thing (default: 4)"
    )
    parser.add_argument("--negatives", metavar="N", type=int, help="likewise, alike in nothing (default: 2)")
    parser.add_argument("--least-confidence", metavar="C", type=float, help="of machines' labels (default: 0.5)")
    parser.add_argument("--seed", metavar="N", type=int, help="of what is drawn by chance (default: 0)")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="whose own vocabularies the labels use")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=pairs)


def pairs(arguments: argparse.Namespace) -> int:
    """Write the pairs, read them back with all checks, and say what they hold; always 0."""
    from composer_core.pipeline.exports.pairs import PairOptions, build_pairs, describe
    from composer_core.pipeline.vocabularies import vocabularies
    from composer_core.store.pairs import read_pairs

    names = ("positives", "hard_negatives", "negatives", "least_confidence", "seed")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    words = vocabularies(Workspace(arguments.workspace)) if arguments.workspace else None
    build_pairs(arguments.master, arguments.out, PairOptions(**given), words)
    facts: dict[str, Any] = describe(read_pairs(arguments.out))
    if arguments.json:
        print(json.dumps(facts, indent=1))
        return 0
    reasons = ", ".join(f"{count} {reason}" for reason, count in facts["reasons"].items()) or "none"
    splits = ", ".join(f"{count} {split}" for split, count in facts["splits"].items()) or "none"
    print(f"{facts['pairs']} pairs ({reasons}; {splits}) and {facts['texts']} texts in {arguments.out}")
    print(f"read back and whole, digest {facts['digest']}")
    return 0


def _register_captions(subparsers: argparse._SubParsersAction[Any]) -> None:
    parser = subparsers.add_parser(
        "captions",
        allow_abbrev=False,
        help="store a Japanese and an English sentence about each loop",
        description="Without further options the sentences are made of the labels by a template, on this machine. "
        "With --ask a language model words them: one behind any OpenAI-compatible address, which gets the labels in "
        "words, never notes or names of files. A key is taken from COMPOSER_CAPTION_KEY alone.",
    )
    parser.add_argument("--ask", action="store_true", help="ask a model; without it nothing leaves this machine")
    parser.add_argument("--endpoint", metavar="URL", default="", help="such as http://localhost:11434/v1 "
                        "(default: COMPOSER_CAPTION_URL)")  # fmt: skip
    parser.add_argument("--model", metavar="NAME", default="", help="which model (default: COMPOSER_CAPTION_MODEL)")
    parser.add_argument("--timeout", metavar="SEC", type=float, help="for one loop (default: 60)")
    parser.add_argument("--loop", metavar="ID", action="append", help="only this loop; may be given again")
    parser.add_argument("--limit", metavar="N", type=int, help="at most so many loops")
    parser.add_argument("--again", action="store_true", help="ask for loops this model has captioned already, too")
    parser.add_argument("--workspace", metavar="DIR", type=Path, help="where the library is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=captions)


def captions(arguments: argparse.Namespace) -> int:
    """Caption and report; 1 when any loop failed."""
    from composer_core.errors import InvalidValue
    from composer_core.pipeline.labels.caption_endpoint import endpoint_of
    from composer_core.pipeline.labels.captioning import caption_loops

    if not arguments.ask and (arguments.endpoint or arguments.model):
        raise InvalidValue("contradiction", first="--endpoint, --model", second="no --ask",
                           reason="a model is asked only with --ask")  # fmt: skip
    endpoint = endpoint_of(arguments.endpoint, arguments.model, arguments.timeout) if arguments.ask else None
    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    report = caption_loops(
        workspace,
        endpoint,
        loop_ids=arguments.loop,
        limit=arguments.limit,
        again=arguments.again,
        progress=_print_progress,
    )
    if arguments.json:
        print(json.dumps(report.to_json(), indent=1))
    else:
        for loop_id, reason in report.failed:
            print(f"failed    {loop_id}: {ascii(reason)[1:-1]}")
        if report.stopped:
            print("stopped   after several failures in a row; run it again to go on")
        kept = f"{report.unchanged} stood already, {report.by_people} are a person's"
        print(f"{report.written} captions written as {report.source}, {kept}, {len(report.failed)} loops failed")
    return 1 if report.failed else 0


def _print_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
