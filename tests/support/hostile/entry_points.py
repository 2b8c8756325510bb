"""Every place that reads a file by others: what uploads and file arguments of commands are given, or why not.

`UPLOADS` are the controls of the studio by their key, `ARGUMENTS` the file arguments of commands by command and
name. A test compares both with the pages' source and with the commands' parsers, so that a new one cannot be
forgotten: give it an entry here, and the whole collection of hostile files runs through it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from composer_core.cli import main
from composer_core.pipeline.editing.recipes import parse_recipe, read_recipe, saved_recipes
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.library.uploads import keep_upload
from composer_core.pipeline.settings import load_settings
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.workspace import ASSETS, Workspace
from hostile.files import HOSTILE, NO_PLAIN_TEXT
from studio.label.files import read_labels

LABEL_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".yaml")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hostile file lies, the workspace it meets, and a folder for what comes out."""

    file: Path
    workspace: Workspace
    out: Path

    def named(self, name: str) -> Path:
        """The file under another name, in a folder of its own."""
        path = self.out / "named" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(self.file, path))


EntryPoint = Callable[[Place], object]
"""Reads the file. It may raise a ComposerError or give an exit status; anything else is a finding."""


def _command(*line: str) -> EntryPoint:
    """A command; FILE stands for the hostile file, OUT for a new one, MIDI for a good song."""

    def run(place: Place) -> object:
        words = {"FILE": str(place.file), "OUT": str(place.out / "out.mid"), "DIR": str(place.out / "dir")}
        words |= {"MIDI": str(place.workspace.root.parent / "files" / "rock=beat.mid")}
        words |= {"WORKSPACE": str(place.workspace.root), "RECIPE": str(place.out / "good.yaml")}
        (place.out / "good.yaml").write_text("name: good\nsteps:\n  - rule: straighten\n", encoding="utf-8")
        return main([words.get(word, word) for word in line])

    return run


def _in_folder(name: str, *line: str) -> EntryPoint:
    """A command on a folder that holds the hostile file under this name."""

    def run(place: Place) -> object:
        folder = str(place.named(name).parent)
        words = {"FOLDER": folder, "OUT": str(place.out / "out.mid"), "WORKSPACE": str(place.workspace.root)}
        return main([words.get(word, word) for word in line])

    return run


def _label_upload(suffix: str) -> EntryPoint:
    return lambda place: read_labels(place.workspace, f"labels{suffix}", place.file.read_bytes(), "")


def _library_upload(suffix: str) -> EntryPoint:
    def run(place: Place) -> object:
        return ingest([str(keep_upload(place.workspace, f"song{suffix}", place.file.read_bytes()))], place.workspace)

    return run


def _model_folder(name: str) -> EntryPoint:
    """A model that somebody sent, one of whose files is hostile."""

    def run(place: Place) -> object:
        folder = place.out / "model"
        shutil.copytree(ASSETS / "models" / "composer-drums-tuned", folder, copy_function=os.symlink)
        (folder / name).unlink()
        shutil.copyfile(place.file, folder / name)
        asked = ["--workspace", str(place.workspace.root), "-o", str(place.out / "dir")]
        return main(["generate", "--instrument", "drums", "--takes", "1", "--model", str(folder), *asked])

    return run


def _stored(name: str, read: Callable[[Workspace], object]) -> EntryPoint:
    """A file that somebody laid into the workspace."""

    def run(place: Place) -> object:
        path = place.workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place.file, path)
        try:
            return read(place.workspace)
        finally:
            path.unlink()

    return run


UPLOADS: dict[str, dict[str, EntryPoint]] = {
    "studio/generate/playing.py": {
        "recipe": lambda place: parse_recipe(place.file.read_bytes(), "uploaded.yaml"),
    },
    "studio/label/files.py": {f"labels{suffix}": _label_upload(suffix) for suffix in LABEL_SUFFIXES},
    "studio/library/importing.py": {f"song{suffix}": _library_upload(suffix) for suffix in (".mid", ".zip", ".tar.gz")},
}
"""By the module that draws the control, each one an entry point for each kind of file it takes."""

_SETS = "the makers' own collections; each file in them is read as `ingest` reads it"
_OURS = "written, not read"
_STEPS = "arrays that an earlier run of the makers has kept there; read without pickle"
_ASKED = ("--workspace", "WORKSPACE")
_FORMS = ("spreadsheet", "csv", "jsonl", "label-studio", "tags", "mood")
_LEGACY = (
    "loop_summary.csv",
    "metrics_score.jsonl",
    "canonical_events.parquet",
    "golden.json",
    "tags.yaml",
    "x.pickle",
)

ARGUMENTS: dict[str, dict[str, EntryPoint] | str] = {
    "ingest paths": {"ingest": _command("ingest", "FILE", *_ASKED)},
    "measure files": {"measure": _command("measure", "FILE")},
    "import-legacy folder": {
        f"legacy {name}": _in_folder(name, "import-legacy", "FOLDER", *_ASKED) for name in _LEGACY
    },
    "similar target": {"similar": _command("similar", "FILE", *_ASKED)},
    "render file": {"render": _command("render", "FILE", "-o", "OUT", *_ASKED)},
    "train data": {
        "train data": _in_folder("song.mid", "train", "--instrument", "drums", "--data", "FOLDER", "-o", "OUT")
    },
    "train config": {
        "train config": _command("train", "--instrument", "drums", "--data", "none", "-o", "OUT", "--config", "FILE")
    },
    "captions model": "the name of a model behind an address; tests of their own answer for it",
    "generate model": {f"model {name}": _model_folder(name) for name in ("config.json", "vocabulary.json")},
    "evaluate model": "as generate",
    "vary model": "as generate",
    "models build data": _SETS,
    "models build judge_data": _SETS,
    "models card reports": {"models card": _command("models", "card", "FILE", "--folder", "DIR")},
    "models card folder": _OURS,
    "models conditions data": _SETS,
    "evaluate data": _SETS,
    "evaluate judge_data": _SETS,
    "perform file": {"perform": _command("perform", "FILE", "-o", "OUT")},
    "perform evaluate": _SETS,
    "train-performer data": _SETS,
    "calibrate data": _SETS,
    "calibrate steps": _STEPS,
    "validate-scores data": _SETS,
    "validate-scores steps": _STEPS,
    "validate-profiles data": _SETS,
    "validate-scores scores": "the makers' own calibration, which they have just written",
    "apply recipe": {"apply": _command("apply", "FILE", "MIDI", "-o", "OUT")},
    "apply file": {"apply to": _command("apply", "RECIPE", "FILE", "-o", "OUT")},
    "groove files": {"groove": _command("groove", "FILE", "-o", "OUT")},
    "estimate show files": {"estimate": _command("estimate", "show", "FILE", *_ASKED)},
    "estimate train data": _SETS,
    "estimate evaluate data": _SETS,
    "vary file": {"vary": _command("vary", "FILE", "--instrument", "drums", "--bars", "1", "-o", "OUT")},
    "backup file": _OURS,
    "restore file": {"restore": _command("restore", "FILE", *_ASKED)},
    "labels export file": _OURS,
    "labels import file": {
        f"labels {form}": _command("labels", "import", "FILE", "--format", form, *_ASKED) for form in _FORMS
    },
    "pairs master": {f"pairs {name}": _in_folder(name, "pairs", "FOLDER", "-o", "OUT") for name in ("master.json",)},
}
"""By command and argument: its entry points, or why it has none."""

STORED: dict[str, EntryPoint] = {
    "settings": _stored("settings.json", load_settings),
    "saved recipe": _stored("recipes/mine.yaml", lambda workspace: read_recipe(saved_recipes(workspace)["mine"])),
    **{
        f"vocabulary {name}": _stored(f"vocabularies/{name}.yaml", vocabularies)
        for name in ("mood", "genres", "techniques", "tags")
    },
}
"""Files of the workspace that people write by hand or get from each other."""


NO_TEXT = frozenset(
    {"ingest", "measure", "similar", "render", "train data", "perform", "apply to", "groove", "estimate", "vary"}
    | set(UPLOADS["studio/library/importing.py"])
)
"""Those that take MIDI and archives: text is one thing to them."""


def files_for(name: str) -> list[str]:
    """The titles of the hostile files that an entry point is tried with."""
    return [title for title in HOSTILE if name not in NO_TEXT or title in NO_PLAIN_TEXT]


def entry_points() -> dict[str, EntryPoint]:
    """All of them by name."""
    found: dict[str, EntryPoint] = dict(STORED)
    for entries in (*UPLOADS.values(), *ARGUMENTS.values()):
        found |= entries if isinstance(entries, dict) else {}
    return found
