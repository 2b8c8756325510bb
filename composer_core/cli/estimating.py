"""composer estimate: train the estimators that fill in labels."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser("estimate", help="train what estimates labels")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    training = actions.add_parser("train", help="train one estimator on data at a path")
    kinds = training.add_subparsers(dest="estimator", required=True, metavar="ESTIMATOR")
    key = kinds.add_parser("key", help="root and mode, on POP909")
    key.add_argument("--data", required=True, type=Path, metavar="PATH", help="folder of POP909")
    key.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="where the model goes (JSON)")
    key.set_defaults(run=train_key)


def train_key(arguments: argparse.Namespace) -> int:
    """Train and print the held-out figures."""
    from composer_core.pipeline import key_training

    card = key_training.train_key(arguments.data, arguments.output)
    print(f"{card['songs']} songs, exact accuracy of songs left out:")
    for name, row in card["exact_accuracy"].items():
        print(f"  {name:<12}" + "".join(f"  {kind} {share:.3f}" for kind, share in row.items()))
    print(f"written to {arguments.output}")
    return 0
