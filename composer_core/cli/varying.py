"""`composer vary` rewrites, continues or varies bars of any MIDI loop and keeps the rest as it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.workspace import Workspace, default_workspace


def register(subparsers: Subparsers) -> None:
    """Add `vary`."""
    parser = subparsers.add_parser(
        "vary", allow_abbrev=False, help="write bars of a MIDI loop anew, continue it or vary it"
    )
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a MIDI file of 1, 2, 4 or 8 bars; its other parts stay as they are"
    )
    parser.add_argument("--instrument", choices=GENERATED_INSTRUMENTS, help="whose part (needed where several play)")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--bars", metavar="BARS", help="bars to write anew, from 1, as 3-4 or 1,4")
    how.add_argument("--continue", dest="more", type=int, metavar="N", help="add N bars at the end")
    how.add_argument("--strength", type=float, help="write the share of its bars anew, above 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="a model's name or folder; left out: the shipped one")
    parser.add_argument("--workspace", type=Path, help="where trained models are looked for")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="the MIDI file to write")
    parser.set_defaults(run=run_vary)


def run_vary(arguments: argparse.Namespace) -> int:
    """Write the edited loop and say what was done."""
    from composer_core.pipeline.generation.varied_files import vary_file

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    varied = vary_file(
        arguments.file,
        arguments.output,
        instrument=arguments.instrument,
        bars=parse_bars(arguments.bars) if arguments.bars else None,
        more=arguments.more,
        strength=arguments.strength,
        seed=arguments.seed,
        model=arguments.model,
        workspace=workspace,
    )
    notices = f" ({', '.join(varied.notices)})" if varied.notices else ""
    print(f"{varied.path}: {varied.edit}, {varied.kept} notes kept, {varied.written} written{notices}")
    for notice in varied.file_notices:
        print(notice.message)
    return 0


def parse_bars(text: str) -> list[int]:
    """Read '3-4' or '1,4' (from 1) as bars from 0; InvalidValue for anything else."""
    found: list[int] = []
    for word in text.split(","):
        first, _, last = word.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or ("-" in word and not last):
            raise InvalidValue("bad_format", name="bars", value=text, expected="bars such as 3-4 or 1,4")
        found += range(int(first) - 1, int(last or first))
    return found
