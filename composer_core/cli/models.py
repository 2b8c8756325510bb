"""`composer models list` shows the models to choose from; `composer models build` rebuilds the shipped ones."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.cli.evaluating import add_measuring
from composer_core.workspace import Workspace, default_workspace

STOPPED = 130


def register(subparsers: Subparsers) -> None:
    """Add `models`."""
    parser = subparsers.add_parser("models", help="list the models, or build a shipped one again")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="shipped models and the workspace's own")
    listing.add_argument("--workspace", type=Path)
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=run_list)
    building = actions.add_parser("build", help="train a shipped composer from its recipe, evaluate it, write its card")
    building.add_argument("name", help="such as composer-drums-tuned")
    building.add_argument("--data", required=True, type=Path, metavar="PATH", help="the folder of all permitted sets")
    building.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="goes on with what is there")
    add_measuring(building)
    building.set_defaults(run=run_build)
    card = actions.add_parser("card", help="put the figures of `composer evaluate -o DIR` into a model's card")
    card.add_argument("name", help="a shipped model, such as composer-base")
    card.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="report.json of an instrument")
    card.add_argument("--folder", type=Path, metavar="DIR", help="the model's folder (default: the shipped one)")
    card.set_defaults(run=run_card)
    table = actions.add_parser(
        "conditions", help="measure anew the conditions of real loops that requests are filled from"
    )
    table.add_argument("--data", required=True, type=Path, metavar="PATH", help="the folder of all permitted sets")
    table.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="where the table is written")
    table.set_defaults(run=run_conditions)


def run_card(arguments: argparse.Namespace) -> int:
    """Write evaluation.json and the card."""
    from composer_core.lab.composer.building import update_card
    from composer_core.pipeline.models import SHIPPED

    folder = arguments.folder or SHIPPED / arguments.name
    update_card(arguments.name, arguments.reports, folder)
    print(folder / "MODEL_CARD.md")
    return 0


def run_conditions(arguments: argparse.Namespace) -> int:
    """Measure and write the table."""
    from composer_core.lab.composer.condition_table import build_table, write_table

    write_table(arguments.output, build_table(arguments.data, say=_print_progress))
    print(arguments.output)
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """Print name, instrument, origin, size and held-out nats per note."""
    from composer_core.pipeline.models import models

    found = models(Workspace(arguments.workspace) if arguments.workspace else default_workspace())
    if arguments.json:
        rows = [
            {**{n: getattr(m, n) for n in ("name", "instrument", "origin", "size", "nll")}, "path": str(m.path)}
            for m in found
        ]
        print(json.dumps({"models": rows}, ensure_ascii=False, indent=2))
        return 0
    for info in found:
        nll = "-" if info.nll is None else f"{info.nll:.3f} nats a note"
        print(f"{info.name:<28}{info.instrument:<10}{info.origin:<10}{info.size:<8}{nll}")
    return 0


def run_build(arguments: argparse.Namespace) -> int:
    """Build; 0 finished, 130 stopped (the same command goes on)."""
    from composer_core.lab.composer.building import build

    folder = build(
        arguments.name, arguments.data, arguments.output, _print_progress, arguments.takes, arguments.judge_data
    )
    if folder is None:
        _print_progress(f"stopped; the same command goes on from the checkpoint in {arguments.output}")
        return STOPPED
    print(folder)
    return 0


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
