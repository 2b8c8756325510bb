"""Which SoundFont sounds: the user's, the project's, the system's, or the small one inside pretty_midi."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from composer_core.errors import NotFound, Unavailable
from composer_core.workspace import ASSETS

ORIGINS = ("setting", "assets", "system", "pretty_midi")
SUFFIXES = (".sf2", ".sf3")
ASSET_FOLDER = ASSETS / "soundfonts"
SYSTEM_FOLDERS = tuple(
    Path(folder)
    for folder in (
        "/usr/share/sounds/sf2",
        "/usr/share/sounds/sf3",
        "/usr/share/soundfonts",
        "/usr/local/share/sounds/sf2",
        "/usr/local/share/soundfonts",
        "/opt/homebrew/share/soundfonts",
    )
)


@dataclass(frozen=True, slots=True)
class SoundFontChoice:
    """The SoundFont in use and where it was found; `origin` is one of ORIGINS.

    `is_fallback` is true for the one inside pretty_midi, which the user never chose.
    """

    path: Path
    origin: str

    @property
    def name(self) -> str:
        """File name, for people."""
        return self.path.name

    @property
    def is_fallback(self) -> bool:
        """True where nothing better was found."""
        return self.origin == "pretty_midi"

    @property
    def identity(self) -> tuple[str, int, int]:
        """(path, size in bytes, modification time in ns): changes when the file does. NotFound when it is gone."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise NotFound("path_missing", path=str(self.path)) from error
        return str(self.path), status.st_size, status.st_mtime_ns


def choose_soundfont(
    setting: str | None = None,
    *,
    assets: Path = ASSET_FOLDER,
    system: Iterable[Path] | None = None,
) -> SoundFontChoice:
    """The first found of: the setting, `assets`, the `system` folders, pretty_midi's own.

    A setting that names no file raises NotFound: it is never replaced in silence. Among
    several system SoundFonts the largest wins, for size is samples. Unavailable when none is found.
    """
    if setting:
        path = Path(setting).expanduser()
        if not path.is_file():
            raise NotFound("path_missing", path=str(path))
        return SoundFontChoice(path.resolve(), "setting")
    places = {"assets": [assets], "system": list(system_folders() if system is None else system)}
    for origin, folders in places.items():
        found = [path for folder in folders for path in soundfonts_in(folder)]
        if found:
            best = max(found, key=lambda path: (path.stat().st_size, str(path)))
            return SoundFontChoice(best, origin)
    bundled = _inside_pretty_midi()
    if bundled is None:
        looked = ", ".join(str(folder) for folders in places.values() for folder in folders)
        raise Unavailable("soundfont_missing", places=looked, cure=soundfont_cure())
    return SoundFontChoice(bundled, "pretty_midi")


def soundfonts_in(folder: Path) -> list[Path]:
    """SoundFont files of a folder, links resolved; none when the folder is absent."""
    if not folder.is_dir():
        return []
    return sorted(path.resolve() for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def system_folders() -> list[Path]:
    """Where distributions and Homebrew put SoundFonts."""
    prefix = os.environ.get("HOMEBREW_PREFIX")
    return [*SYSTEM_FOLDERS, *([Path(prefix) / "share" / "soundfonts"] if prefix else [])]


def soundfont_cure() -> str:
    """What to type, or do, to get a full General MIDI SoundFont here."""
    if sys.platform == "darwin":
        return f"cp YOUR-GENERAL-MIDI.sf2 {ASSET_FOLDER}/"
    return "sudo apt-get install fluid-soundfont-gm"


def fluidsynth_cure() -> str:
    """What to type to get FluidSynth here."""
    return "brew install fluid-synth" if sys.platform == "darwin" else "sudo apt-get install libfluidsynth3"


def _inside_pretty_midi() -> Path | None:
    spec = find_spec("pretty_midi")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "TimGM6mb.sf2"
    return path if path.is_file() else None
