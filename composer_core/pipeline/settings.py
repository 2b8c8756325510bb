"""The user's settings: one small JSON file in the workspace, checked when read and when written."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.pipeline.access.rights import guarded
from composer_core.store.atomic import read_json, write_json
from composer_core.store.damage import is_noted, readable, set_aside
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

LANGUAGES = ("auto", "ja", "en")
MAX_PASS_MARK = 100.0
MIN_CACHE_MB, MAX_CACHE_MB = 16, 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a person. Raises InvalidValue for a value out of range or of the wrong type.

    `soundfont` is a path, or None for an automatic choice. The `language` 'auto' follows the
    browser. `audio_cache_mb` limits the cache of rendered audio. `rater` is a name offered to browsers.
    Loops with a total below `pass_mark` are in the retry queue. With `score_weights` the total is
    the weighted mean of the axes (None: the calibrated total).
    """

    soundfont: str | None = None
    language: str = "auto"
    audio_cache_mb: int = 512
    rater: str = ""
    pass_mark: float = 70.0
    score_weights: Mapping[str, float] | None = None

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
        self._check_scores()

    def _check_scores(self) -> None:
        if not isinstance(self.pass_mark, int | float) or isinstance(self.pass_mark, bool):
            raise InvalidValue("bad_format", name="pass_mark", value=self.pass_mark, expected="a number")
        require_range("pass_mark", self.pass_mark, 0.0, MAX_PASS_MARK)
        if self.score_weights is None:
            return
        if not isinstance(self.score_weights, Mapping):
            raise InvalidValue("bad_format", name="score_weights", value=self.score_weights, expected="axes to weights")
        # Imported here, because most starts have no weights and so need not load the tables of the scores.
        from composer_core.pipeline.scoring import check_weights

        check_weights(self.score_weights)


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


def settings_or_defaults(workspace: Workspace) -> Settings:
    """The stored settings; the defaults where the file is damaged, which is then noted."""
    return next(readable([workspace.settings], lambda _: load_settings(workspace)), Settings())


@guarded("settings")
def save_settings(workspace: Workspace, settings: Settings) -> None:
    """Store the settings, whole or not at all; a damaged file is set aside before. StoreError when the file cannot be
    written."""
    settings_or_defaults(workspace)
    if is_noted(workspace.settings):
        set_aside(workspace.root, workspace.settings)
    write_json(workspace.settings, asdict(settings))
    _log.info("settings saved")
