"""The `composer` command: one sub-command for each thing a person does. This is the only room that prints."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, TypeAlias

from composer_core.errors import ComposerError, InvalidValue

COMMAND_MODULES = (
    "library",
    "rereading",
    "importing",
    "legacy",
    "browsing",
    "audio",
    "training",
    "models",
    "generation",
    "evaluating",
    "performing",
    "scores",
    "rules",
    "estimating",
    "varying",
    "labels",
    "pairs",
    "doctor",
    "duplicates",
    "accounts",
)
"""Each holds `register(subparsers)`; a command sets `run`, a function of the parsed arguments
that returns the exit status."""
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `register` adds a command to."""


MENDING = ("doctor", "repair", "restore")
VERBOSE = "verbose"
"""Where parsers count `-v`: `verbose_0` before the command, `verbose_1` after it, and so on."""


class _CommandParser(argparse.ArgumentParser):
    """A parser with `-v`, as the commands' own parsers and those of their actions are too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Each depth counts for itself: argparse lets an inner parser overwrite what an outer one has counted.
        self.add_argument(
            "-v",
            "--verbose",
            action="count",
            default=argparse.SUPPRESS,
            dest=f"{VERBOSE}_{len(self.prog.split())}",
            help="tell on standard error what is done; twice: with details",
        )


def build_parser() -> argparse.ArgumentParser:
    """Build the parser with every sub-command."""
    parser = _CommandParser(prog="composer", description="Generate, measure and label MIDI loops.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMAND_MODULES:
        import_module(f"composer_core.cli.{name}").register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: it could not be done. 2: wrong usage, or a value out of range. 141: the reader of the output has gone.
    """
    arguments = build_parser().parse_args(argv)
    if argv is None:
        # The process is this command's own. The modules it is about to load make many objects and hardly any cycles,
        # so they are looked for seldom; a caller with arguments keeps its own settings.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
    # Here, because help and wrong usage have ended above and need no log.
    from composer_core import logs

    logs.configure(sum(count for name, count in vars(arguments).items() if name.startswith(f"{VERBOSE}_")))
    try:
        status = int(arguments.run(arguments))
        _tell_of_damage(arguments)
        return status
    except ComposerError as error:
        print(f"composer: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidValue) else 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone: nothing is left to say, nor to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("composer: stopped.", file=sys.stderr)
        return 130


def _tell_of_damage(arguments: argparse.Namespace) -> None:
    """Name the files of its workspace that a command found damaged and left out. What mends them tells so itself."""
    from composer_core.store.damage import noted
    from composer_core.workspace import default_workspace

    if arguments.command not in MENDING:
        # A process that runs several commands has met files of other workspaces too.
        for damage in noted(getattr(arguments, "workspace", None) or default_workspace().root):
            reason = ascii(damage.reason.split("\n")[0])[1:-1]
            line = f"composer: damaged and left out: {ascii(str(damage.path))[1:-1]} ({reason}); see: composer doctor"
            print(line, file=sys.stderr)
