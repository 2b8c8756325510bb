"""Write docs/commands.md from the parser: `python -m composer_core.cli.reference > docs/commands.md`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from composer_core.cli import VERBOSE, build_parser

_INTRODUCTION = """# Commands

Made from the commands' own help by `python -m composer_core.cli.reference > docs/commands.md`.
Exit status: 0 done, 1 could not be done, 2 wrong usage (also a value out of range).

Every command also takes `-v` (`--verbose`), before or after its name: it then tells on standard error what it does,
and with `-vv` the details too. Without it, standard error shows nothing but progress and errors.
"""


def reference() -> str:
    """The whole page. Built from the parser's parts, for the layout of its help differs between Python versions."""
    parser = build_parser()
    (subparsers,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    about = {choice.dest: choice.help for choice in subparsers._choices_actions}
    sections = [part for name, command in subparsers.choices.items() for part in _sections(name, about, command)]
    return "\n".join([_INTRODUCTION, *sections])


def _sections(name: str, about: dict[str, str | None], command: argparse.ArgumentParser) -> Iterator[str]:
    """A command's section, then one for each of its actions where it has them."""
    yield _section(name, about.get(name.split()[-1]) or "", command)
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help for choice in action._choices_actions}
            for inner, parser in action.choices.items():
                yield from _sections(f"{name} {inner}", told, parser)


def _section(name: str, about: str, parser: argparse.ArgumentParser) -> str:
    sentence = about[:1].upper() + about[1:].rstrip(".") + "."
    rows = list(_rows(parser))
    return "\n".join([f"## composer {name}", "", sentence, "", "| option | meaning |", "|---|---|", *rows, ""])


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction) or action.dest.startswith(VERBOSE):
            continue
        notes = [_meaning(action, parser)]
        if action.required and action.option_strings:
            notes.append("needed")
        if action.choices and not action.metavar:
            notes.append("one of " + ", ".join(map(str, action.choices)))
        text = "; ".join(filter(None, notes)).replace("|", "\\|")
        yield f"| `{_spelling(action)}` | {text} |"


def _spelling(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"{metavar}..." if action.nargs in ("+", "*") else metavar
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {metavar}"


def _meaning(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%(prog)s", parser.prog)
    text = text.replace("%%", "%")
    plain_default = isinstance(action.default, (int, float, str)) and not isinstance(action.default, bool)
    if plain_default and action.default != "" and "default" not in text:
        text = f"{text} (default {action.default})".strip()
    return text


def main() -> None:
    """Print the page."""
    print(reference(), end="")


if __name__ == "__main__":
    main()
