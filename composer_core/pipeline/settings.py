"""The user's settings: one small JSON file in the workspace, checked when read and when written."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.store.atomic import read_json, write_json
from composer_core.workspace import Workspace

LANGUAGES = ("auto", "ja", "en")
MIN_CACHE_MB, MAX_CACHE_MB = 16, 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may set. Raises InvalidValue for a value out of range or of the wrong type.

    `soundfont` is a path, or None to choose by itself; `language` 'auto' follows the
    browser; `audio_cache_mb` bounds the cache of rendered audio; `rater` is the name that
    new labels carry.
    """

    soundfont: str | None = None
    language: str = "auto"
    audio_cache_mb: int = 512
    rater: str = ""

    def __post_init__(self) -> None:
        if not (self.soundfont is None or (isinstance(self.soundfont, str) and self.soundfont)):
            raise InvalidValue("bad_format", name="soundfont", value=self.soundfont, expected="a path or null")
        require_choice("language", self.language, LANGUAGES)
        if not isinstance(self.audio_cache_mb, int) or isinstance(self.audio_cache_mb, bool):
            raise InvalidValue(
                "bad_format", name="audio_cache_mb", value=self.audio_cache_mb, expected="a whole number"
            )
        require_range("audio_cache_mb", self.audio_cache_mb, MIN_CACHE_MB, MAX_CACHE_MB, " MB")
        if not isinstance(self.rater, str):
            raise InvalidValue("bad_format", name="rater", value=self.rater, expected="a name")


def load_settings(workspace: Workspace) -> Settings:
    """The stored settings, or the defaults before any were stored.

    Raises InvalidValue for an unknown field or a bad value, StoreError for a damaged file.
    """
    if not workspace.settings.exists():
        return Settings()
    stored = read_json(workspace.settings)
    where = str(workspace.settings)
    if not isinstance(stored, dict):
        raise InvalidValue("bad_format", name=where, value=type(stored).__name__, expected="a JSON object")
    known = [spec.name for spec in fields(Settings)]
    for name in stored:
        if name not in known:
            raise InvalidValue("unknown_option", name=name, where=where, choices=", ".join(known))
    return Settings(**stored)


def save_settings(workspace: Workspace, settings: Settings) -> None:
    """Store settings whole or not at all; StoreError when the place cannot be written."""
    write_json(workspace.settings, asdict(settings))
