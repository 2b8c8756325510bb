"""A workspace used where the disk is full, and where nothing can be written: reading works, writing says so.

Run as a process of its own: `python -m hostile.limits KIND WORKSPACE FILE`, with KIND `full` (no file may grow) or
`reading` (without rights to the folder); it prints what happened as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from composer_core.errors import ComposerError
from composer_core.pipeline.editing.recipes import Recipe, Step, keep_recipe
from composer_core.pipeline.generation.takes import list_takes, save_takes
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library import browse, loops
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.recovery.examine import examine
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.workspace import Workspace
from hostile.damage import USES, saved_workspace
from small_library import rock

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Limited:
    """The ways of reading that worked, those of writing that were refused with a sentence, and what went wrong."""

    read: tuple[str, ...]
    refused: tuple[str, ...]
    wrong: tuple[str, ...]


def _approve(workspace: Workspace, _file: Path) -> object:
    loop_id = str(loops.table(workspace)["loop_id"][0])
    return decisions.decide(workspace, loop_id, rater="aki", action="approve", values={"quality": 3}, seen={})


def _export(workspace: Workspace, _file: Path) -> object:
    return browse.export_file(workspace, workspace.root / "out.csv", "csv")


WRITES: dict[str, Callable[[Workspace, Path], object]] = {
    "approve": _approve,
    "settings": lambda workspace, _: save_settings(workspace, Settings(rater="zoe")),
    "takes": lambda workspace, _: save_takes(workspace, [replace(list_takes(workspace)[0], take_id="0" * 16)]),
    "import": lambda workspace, file: ingest([str(file)], workspace, jobs=1),
    "recipe": lambda workspace, _: keep_recipe(workspace, Recipe("mine", (Step("straighten", {}),))),
    "export": _export,
}


def on_a_full_disk(root: Path) -> Limited:
    """A workspace whose files may not grow by a byte, as on a full disk."""
    return _limited("full", saved_workspace(root))


def where_nothing_can_be_written(root: Path) -> Limited:
    """A workspace without the right to write; a root user becomes nobody for it."""
    place = Path(tempfile.mkdtemp(prefix="composer-reading-"))
    try:
        workspace = saved_workspace(place)
        os.chmod(place, 0o755)
        for path in [workspace.root, *workspace.root.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        return _limited("reading", workspace)
    finally:
        for path in [workspace.root, *workspace.root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(place)


def _limited(kind: str, workspace: Workspace) -> Limited:
    before = {name: use(workspace) for name, use in USES.items()}
    with tempfile.TemporaryDirectory(prefix="composer-song-") as folder:
        os.chmod(folder, 0o755)
        from composer_core.render.midi import loop_to_midi

        song = Path(folder) / "new.mid"
        song.write_bytes(loop_to_midi(rock(tempo_bpm=101.0)))
        line = [sys.executable, "-m", "hostile.limits", kind, str(workspace.root), str(song)]
        support = str(Path(__file__).resolve().parents[1])
        paths = os.pathsep.join([support, str(Path(__file__).resolve().parents[3])])
        done = subprocess.run(
            line,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "HOME": folder},
            check=False,
            text=True,
        )
    if done.returncode:
        return Limited((), (), (f"the process ended with {done.returncode}",))
    said = json.loads(done.stdout.splitlines()[-1])
    wrong = list(said["wrong"])
    wrong += [
        f"{name}: {said['read'].get(name)} of {count}"
        for name, count in before.items()
        if said["read"].get(name) != count
    ]
    wrong += [f"damaged: {harm}" for harm in examine(workspace)]
    after = {name: use(workspace) for name, use in USES.items()}
    wrong += [f"{name} is {after[name]}, was {count}" for name, count in before.items() if after[name] != count]
    return Limited(tuple(said["read"]), tuple(said["refused"]), tuple(wrong))


def _restrict(kind: str) -> None:
    if kind == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    elif os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def main(kind: str, root: Path, song: Path) -> None:
    """Use the workspace under the restriction, and print what worked, what was refused and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        # What is loaded late is loaded now: nobody may not be able to read Python itself.
        warm = Workspace(Path(shutil.copytree(root, Path(folder) / "warm")))
        for path in [warm.root, *warm.root.rglob("*")]:
            path.chmod(0o755)
        for act in (*USES.values(), *(lambda place, write=write: write(place, song) for write in WRITES.values())):
            act(warm)
    _restrict(kind)
    workspace = Workspace(root)
    read: dict[str, int] = {}
    refused: dict[str, str] = {}
    wrong: list[str] = []
    for name, use in USES.items():
        try:
            read[name] = use(workspace)
        except Exception:  # noqa: BLE001 - whatever else comes out is what is looked for
            wrong.append(f"{name}: {traceback.format_exc(limit=-2)}")
    for name, write in WRITES.items():
        try:
            write(workspace, song)
            wrong.append(f"{name}: it was said to be stored")
        except ComposerError as error:
            refused[name] = str(error)
            if error.code not in ("cannot_write", "reader_unavailable"):
                wrong.append(f"{name}: {error.code}, {error}")
        except Exception:  # noqa: BLE001 - whatever else comes out is what is looked for
            wrong.append(f"{name}: {traceback.format_exc(limit=-2)}")
    # The pipe is no file: it may be written.
    print(json.dumps({"read": read, "refused": refused, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
