"""Recipes: rules chained in a small YAML file a person can save, share and apply to any MIDI.

    name: late-night
    steps:
      - rule: swing
        percent: 62
        grid: 16
      - rule: technique
        code: palm_mute
        only: [guitar]

`only` limits a step to some instruments. A groove template may stand in the step or in a JSON file
beside the recipe (`template: late.groove.json`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from composer_core.errors import InvalidValue, NotFound, RefusedFile, require_choice, require_range
from composer_core.ingest.apart import read_plain
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.editing.song_files import Edited, edit_file
from composer_core.rules.groove import GrooveTemplate, extract_groove
from composer_core.rules.registry import RULES
from composer_core.store.atomic import write_bytes, write_json
from composer_core.store.plain_text import MAX_BYTES, plain_json, plain_yaml, read_text
from composer_core.workspace import Workspace

MAX_STEPS = 100
"""Each plays every note anew."""
RECIPE_SUFFIX = ".yaml"
_MAX_NAME_BYTES = 120
"""As the refusal says."""
_NOT_IN_NAMES = frozenset('/\\:*?"<>|') | frozenset(map(chr, range(32)))
WHOLE_SONG_RULES = ("tempo",)
"""Rules all parts share, so that they cannot be limited to some."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rule with its parameters as written; `only` is empty for all instruments."""

    rule: str
    given: Mapping[str, object]
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_choice("rule", self.rule, tuple(RULES))
        for instrument in self.only:
            require_choice(f"only in rule {self.rule}", instrument, INSTRUMENTS)
        if self.only and self.rule in WHOLE_SONG_RULES:
            reason = "all parts of a song share it"
            raise InvalidValue("contradiction", first=f"rule {self.rule}", second="only", reason=reason)
        RULES[self.rule].read_parameters(self.given)

    def apply(self, loop: Loop) -> Loop:
        """The loop after this step; parts of other instruments come back as they are."""
        if self.only and loop.instrument not in self.only:
            return loop
        rule = RULES[self.rule]
        return rule.apply(loop, **rule.read_parameters(self.given))


@dataclass(frozen=True, slots=True)
class Recipe:
    """A name and its steps, checked when made."""

    name: str
    steps: tuple[Step, ...]

    def apply(self, loop: Loop) -> Loop:
        """The loop after all steps."""
        for step in self.steps:
            loop = step.apply(loop)
        return loop


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; NotFound when it is not there, InvalidValue for anything it should not hold."""
    return recipe_of(_plain(path, plain_yaml), str(path), path.parent)


def parse_recipe(data: bytes, name: str) -> Recipe:
    """Read a recipe that somebody uploaded, in a process that can be killed; a groove must stand in it.

    InvalidValue for anything it should not hold, RefusedFile where reading was stopped, Unavailable where no
    reader can be started.
    """
    return recipe_of(read_plain(data, name, "yaml"), name)


def _plain(path: Path, read: Callable[[str], object]) -> object:
    """The plain values of a file beside us; NotFound, or InvalidValue with the line."""
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise RefusedFile("unreadable_data", path=str(path), reason=error.strerror or str(error)) from error
    return read_text(data, str(path), read)


def recipe_of(data: object, where: str, folder: Path | None = None) -> Recipe:
    """A recipe of plain values; `folder` is where groove files are looked for (None: nowhere)."""
    if not isinstance(data, dict) or not isinstance(data.get("steps"), list) or not data["steps"]:
        raise InvalidValue("bad_format", name=where, value=type(data).__name__, expected="a name and a list of steps")
    for name in data:
        if name not in ("name", "steps"):
            raise InvalidValue("unknown_option", name=name, where=where, choices="name, steps")
    require_range(f"{where}: steps", len(data["steps"]), 1, MAX_STEPS)
    steps = tuple(_step(entry, f"{where}, step {number}", folder) for number, entry in enumerate(data["steps"], 1))
    return Recipe(str(data.get("name", Path(where).stem)), steps)


def _step(entry: Any, where: str, folder: Path | None) -> Step:
    if not isinstance(entry, dict) or not isinstance(entry.get("rule"), str):
        raise InvalidValue("bad_format", name=where, value=entry, expected="rule: NAME and its parameters")
    given = {str(name): value for name, value in entry.items() if name not in ("rule", "only")}
    only = entry.get("only", [])
    if not isinstance(only, list):
        raise InvalidValue("bad_format", name=f"{where}: only", value=only, expected="a list of instruments")
    template = given.get("template")
    if isinstance(template, str):
        if folder is None:
            expected = "a groove in the step itself; files beside an upload are not read"
            raise InvalidValue("bad_format", name=f"{where}: template", value=template, expected=expected)
        given["template"] = read_groove(folder / template).to_json()
    return Step(entry["rule"], given, tuple(map(str, only)))


def save_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe that `read_recipe` reads back to an equal one."""
    write_bytes(path, recipe_text(recipe).encode())


def recipe_text(recipe: Recipe) -> str:
    """A recipe as YAML."""
    steps = [
        {"rule": step.rule, **step.given, **({"only": list(step.only)} if step.only else {})} for step in recipe.steps
    ]
    return yaml.safe_dump({"name": recipe.name, "steps": steps}, allow_unicode=True, sort_keys=False)


def saved_recipes(workspace: Workspace) -> dict[str, Path]:
    """The recipes kept in a workspace, by the name of their files."""
    return {path.stem: path for path in sorted(workspace.recipes.glob(f"*{RECIPE_SUFFIX}"))}


@guarded("save_recipe")
def keep_recipe(workspace: Workspace, recipe: Recipe) -> Path:
    """Save a recipe under its name in the workspace, in place of one of that name, and give its path.

    InvalidValue for a name that is none of a file: empty, too long, or with a character some system refuses.
    """
    name = recipe.name.strip()
    if not name or len(name.encode()) > _MAX_NAME_BYTES or name[0] == "." or _NOT_IN_NAMES & set(name):
        expected = "a file's name of at most 120 bytes without signs such as / : * ?"
        raise InvalidValue("bad_format", name="name of the recipe", value=recipe.name, expected=expected)
    path = workspace.recipes / f"{name}{RECIPE_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_recipe(path, replace(recipe, name=name))
    return path


def find_recipe(workspace: Workspace, named: Path) -> Path:
    """The file itself where it is there, else the recipe of the workspace that is called so; NotFound names both."""
    if named.is_file():
        return named
    saved = saved_recipes(workspace)
    if str(named) in saved:
        return saved[str(named)]
    raise NotFound("path_missing", path=f"{named} ({workspace.recipes}: {', '.join(saved) or '-'})")


def apply_recipe(recipe: Recipe, source: Path, out: Path) -> Edited:
    """Apply a recipe to every part of a MIDI file and write the result; see `song_files.edit_file`."""
    return edit_file(source, out, recipe.apply)


def save_groove(path: Path, loops: list[Loop], name: str, grid: str = "16") -> GrooveTemplate:
    """Extract the mean groove of some loops and write it as JSON."""
    template = extract_groove(loops, name, grid)
    write_json(path, template.to_json())
    return template


def read_groove(path: Path) -> GrooveTemplate:
    """Read a groove file; NotFound when it is not there, InvalidValue when it is none."""
    data = _plain(path, plain_json)
    if not isinstance(data, dict):
        raise InvalidValue("bad_format", name=str(path), value=type(data).__name__, expected="a groove template")
    return GrooveTemplate.from_json(data)
