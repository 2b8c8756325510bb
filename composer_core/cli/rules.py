"""`composer apply` runs rules on any MIDI file; `composer groove` extracts a groove from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from composer_core.cli import Subparsers
from composer_core.errors import NotFound


def register(subparsers: Subparsers) -> None:
    """Add `apply` and `groove`."""
    apply = subparsers.add_parser("apply", allow_abbrev=False, help="apply a recipe of rules to a MIDI file")
    apply.add_argument("--workspace", type=Path, help="where saved recipes are")
    apply.add_argument("recipe", metavar="RECIPE", type=Path, help="a YAML file, or the name of a saved recipe")
    apply.add_argument("file", metavar="FILE", type=Path, help="a MIDI file")
    apply.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="the MIDI file to write")
    apply.set_defaults(run=apply_recipe)
    groove = subparsers.add_parser("groove", allow_abbrev=False, help="take the groove of MIDI files as a template")
    groove.add_argument("files", metavar="FILE", type=Path, nargs="+", help="a MIDI file")
    groove.add_argument("--instrument", default="drums", help="which part's groove (default drums)")
    groove.add_argument("--grid", default="16", help="8, 16, 8t, 16t or 32 (default 16)")
    groove.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="OUT.json, for a groove step")
    groove.set_defaults(run=extract_groove)


def apply_recipe(arguments: argparse.Namespace) -> int:
    """Apply and say what was written, and what a person should know of it."""
    from composer_core.pipeline.editing.recipes import apply_recipe as apply
    from composer_core.pipeline.editing.recipes import find_recipe, read_recipe
    from composer_core.workspace import Workspace, default_workspace

    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    recipe = read_recipe(find_recipe(workspace, arguments.recipe))
    edited = apply(recipe, arguments.file, arguments.output)
    print(
        f"{edited.path}: {len(recipe.steps)} steps of {recipe.name}, {edited.n_parts} parts, "
        f"{edited.n_notes_before} notes before, {edited.n_notes_after} after"
    )
    for notice in edited.notices:
        print(notice.message)
    return 0


def extract_groove(arguments: argparse.Namespace) -> int:
    """Write the groove of the files' parts of one instrument."""
    from composer_core.music.loop import Loop
    from composer_core.pipeline.editing.recipes import save_groove
    from composer_core.pipeline.library.loops import loops_for_training

    loops: list[Loop] = []
    for path in arguments.files:
        loops += loops_for_training(path, arguments.instrument)
    if not loops:
        raise NotFound(
            "no_notes", path=", ".join(map(str, arguments.files)), instrument=arguments.instrument, purpose="take from"
        )
    template = save_groove(arguments.output, loops, arguments.output.stem, arguments.grid)
    heard = sum(value is not None for row in template.offset_tick.values() for value in row)
    print(f"{arguments.output}: {len(loops)} loops, {len(template.offset_tick)} rows, {heard} slots heard")
    return 0
