"""Check what works on this machine, and name the command to type for what does not."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from composer_core.errors import ComposerError, Unavailable
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.pipeline.models import models
from composer_core.pipeline.settings import load_settings, settings_or_defaults
from composer_core.render.audio import once_request
from composer_core.render.client import shared_renderer
from composer_core.render.soundfont import choose_soundfont, fluidsynth_cure, soundfont_cure
from composer_core.render.timeline import PlayedPart
from composer_core.workspace import ENVIRONMENT_VARIABLE, Workspace

OK, MISSING, DEGRADED = STATES = ("ok", "missing", "degraded")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
TRAIN_COMMAND = "composer train --instrument drums --data PATH -o RUN"
_BASS_DRUM = [(0, 240, 36, 100)]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `state` is ok, missing (with the `cure` to type) or degraded (works, but less well)."""

    name: str
    state: str
    detail: str
    cure: str = ""


def diagnose(workspace: Workspace) -> list[Finding]:
    """Look at everything, in a fixed order; nothing is left behind and no error is raised."""
    checks: dict[str, Callable[[Workspace], Finding]] = {
        "python": _python,
        "fluidsynth": _fluidsynth,
        "soundfont": _soundfont,
        "gpu": _gpu,
        "workspace": _workspace,
        "models": _models,
    }
    return [check(workspace) for check in checks.values()]


def nothing_missing(findings: list[Finding]) -> bool:
    """True when all that is needed is there; degraded things work."""
    return all(finding.state != MISSING for finding in findings)


def _python(_: Workspace) -> Finding:
    version = sys.version.split()[0]
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return Finding("python", OK, f"{version} at {sys.executable}")
    bounds = f"{OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} to {NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]}"
    return Finding("python", MISSING, f"{version}; needed is {bounds}", "scripts/studio")


def _fluidsynth(_: Workspace) -> Finding:
    try:
        return Finding("fluidsynth", OK, f"{shared_renderer().version()}, the renderer process answers")
    except ComposerError as error:
        return Finding("fluidsynth", MISSING, str(error), fluidsynth_cure())


def _soundfont(workspace: Workspace) -> Finding:
    """Plays one note with it: a file that is there need not be one that sounds."""
    try:
        choice = choose_soundfont(settings_or_defaults(workspace).soundfont)
        drum = PlayedPart(DRUM_CHANNEL, 0, True, _BASS_DRUM)
        shared_renderer().render(once_request("a test note", choice, [drum], [(0, 120.0)], 480), len)
    except Unavailable as error:
        if error.code == "fluidsynth_missing":
            return Finding("soundfont", DEGRADED, f"{choice.name}; not tried, for FluidSynth is missing")
        return Finding("soundfont", MISSING, str(error), soundfont_cure())
    except ComposerError as error:
        return Finding("soundfont", MISSING, str(error), soundfont_cure())
    detail = f"{choice.name} ({choice.origin}), a test note sounds"
    if choice.is_fallback:
        return Finding("soundfont", DEGRADED, f"{detail}; a fuller one sounds better", soundfont_cure())
    return Finding("soundfont", OK, detail)


def _gpu(_: Workspace) -> Finding:
    if not _has_nvidia_device():
        return Finding("gpu", DEGRADED, "none found; models are trained and run on the CPU")
    # Only now: importing torch takes seconds, and no other check needs it.
    from composer_core.model.device import devices

    names = [device.name for device in devices() if device.code == "cuda"]
    if names:
        return Finding("gpu", OK, names[0])
    return Finding(
        "gpu",
        DEGRADED,
        "an NVIDIA GPU is present, but this PyTorch cannot use it; the CPU is used",
        "rm -rf .venv && scripts/studio",
    )


def _has_nvidia_device() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def _workspace(workspace: Workspace) -> Finding:
    root = workspace.root.expanduser().absolute()
    existing = next((folder for folder in (root, *root.parents) if folder.exists()), Path("/"))
    cure = f"export {ENVIRONMENT_VARIABLE}=A-FOLDER-YOU-CAN-WRITE"
    try:
        # Tried, not asked: an administrator is told that everything can be written.
        with tempfile.TemporaryDirectory(dir=existing, prefix=".composer-"):
            pass
    except OSError as error:
        return Finding("workspace", MISSING, f"{existing} cannot be written ({error.strerror})", cure)
    try:
        load_settings(workspace)
    except ComposerError as error:
        return Finding("workspace", MISSING, str(error), "composer repair")
    return Finding("workspace", OK, str(root) if existing == root else f"{root} (made when first used)")


def _models(workspace: Workspace) -> Finding:
    try:
        found = models(workspace)
    except ComposerError as error:
        return Finding("models", MISSING, str(error), TRAIN_COMMAND)
    if not found:
        return Finding("models", MISSING, "no model to generate with", TRAIN_COMMAND)
    return Finding("models", OK, ", ".join(f"{model.name} ({model.instrument}, {model.origin})" for model in found))
