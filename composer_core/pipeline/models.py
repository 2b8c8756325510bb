"""Find and load models: the shipped ones, and those of the workspace's finished or running trainings."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from composer_core.errors import InvalidValue, NotFound, StoreError
from composer_core.logs import shown_path
from composer_core.store.atomic import read_json
from composer_core.store.damage import readable
from composer_core.store.runs import run_names
from composer_core.workspace import ASSETS, Workspace

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel
    from composer_core.model.performer.network import Performer

_log = logging.getLogger(__name__)

SHIPPED = ASSETS / "models"
CARD_FILE = "MODEL_CARD.md"
PERFORMER_PREFIX = "performer-"
CACHED_MODELS = 8
ALL = "all"
"""The instrument of a model that plays all five."""
MODEL_GONE = "model_gone"
"""Notice of a take that was edited by another model, because the one that made it no longer exists."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A composer to choose from. `origin` is shipped or run; `nll` is nats per note on held-out takes (None: unknown).

    `instrument` is the one it plays, or ALL.
    """

    name: str
    instrument: str
    origin: str
    path: Path
    size: str
    nll: float | None

    def plays(self, instrument: str | None) -> bool:
        """True when the model plays the instrument; always True for None."""
        return instrument is None or self.instrument in (instrument, ALL)


def cards(workspace: Workspace) -> dict[str, Path]:
    """The card of every composer and performer that has one: shipped models first, then those of the workspace."""
    found = {path.parent.name: path for path in sorted(SHIPPED.glob(f"*/{CARD_FILE}"))}
    own = {name: workspace.runs / name / "model" / CARD_FILE for name in run_names(workspace.runs)}
    return found | {name: path for name, path in own.items() if path.is_file()}


def models(workspace: Workspace | None = None, instrument: str | None = None) -> list[ModelInfo]:
    """All models, or those that play an instrument: shipped ones first, then the workspace's own, newest first.

    One of the workspace with a damaged configuration is noted and left out.
    Given an instrument, a model of that instrument alone comes before a model of all instruments.
    """
    found = [_info(path.parent.name, "shipped", path.parent) for path in sorted(SHIPPED.glob("*/config.json"))]
    if workspace is not None:
        configs = [workspace.runs / name / "model" / "config.json" for name in run_names(workspace.runs)]
        present = [path for path in configs if path.is_file()]
        found += readable(present, lambda path: _info(path.parent.parent.name, "run", path.parent))
    known = [info for info in found if info is not None and info.plays(instrument)]
    return sorted(known, key=lambda info: instrument is not None and info.instrument == ALL)


def _info(name: str, origin: str, folder: Path) -> ModelInfo | None:
    data = read_json(folder / "config.json")
    if not isinstance(data, dict):
        raise StoreError("damaged_store", path=str(folder / "config.json"), reason="no configuration")
    shape = data.get("model")
    if not isinstance(shape, dict) or "n_tokens" not in shape:
        return None  # a performer or an estimator, which are listed elsewhere
    train, nll = data.get("train"), data.get("nll_per_note")
    size = str(train.get("size", "?")) if isinstance(train, dict) else "?"
    played = str(shape.get("instrument", "?"))
    return ModelInfo(name, played, origin, folder, size, nll if isinstance(nll, float) else None)


def read_model_facts(folder: Path) -> None:
    """Read everything of a model: StoreError or ModelError names the file that is damaged."""
    from composer_core.model.composer.checkpoint import load_model

    load_model(folder)


def find_model(instrument: str, name: str | None, workspace: Workspace | None) -> ModelInfo:
    """Find a model by name or folder; without a name, the first shipped model of the instrument, else the first one.

    NotFound no_model when there is none; NotFound path_missing when the name is neither a model nor a folder;
    InvalidValue for a model that does not play the instrument.
    """
    if name is None:
        candidates = models(None, instrument) or models(workspace, instrument)
        if not candidates:
            raise NotFound("no_model", instrument=instrument)
        return candidates[0]
    named = next((info for info in models(workspace) if info.name == name), None) or _in_folder(name)
    if named is None:
        raise NotFound("path_missing", path=name)
    if not named.plays(instrument):
        reason = f"it plays {named.instrument}"
        raise InvalidValue("contradiction", first=f"model {name}", second=instrument, reason=reason)
    return named


def editing_model(
    instrument: str, name: str | None, made_by: str, workspace: Workspace | None
) -> tuple[ModelInfo, tuple[str, ...]]:
    """The model by name, else the one that made the take; if that is gone, the instrument's default with a notice."""
    if name is not None or made_by in {info.name for info in models(workspace, instrument)}:
        return find_model(instrument, name or made_by, workspace), ()
    return find_model(instrument, None, workspace), (MODEL_GONE,) if made_by else ()


def _in_folder(name: str) -> ModelInfo | None:
    """The composer in the folder of a model or of a run; None when there is none."""
    for folder in (Path(name), Path(name) / "model"):
        if (folder / "config.json").is_file():
            return _info(Path(name).name, "run", folder)
    return None


def load(info: ModelInfo) -> LoadedModel:
    """Load a model; it is kept in memory as long as its files do not change."""
    from dataclasses import replace

    stamp = (info.path / "config.json").stat().st_mtime_ns
    return replace(_load(info.path, stamp), name=info.name)


@lru_cache(maxsize=CACHED_MODELS)
def _load(folder: Path, _stamp: int) -> LoadedModel:
    from composer_core.model.composer.checkpoint import load_model

    started = time.perf_counter()
    model = load_model(folder)
    _log.info("model %s (%s) loaded in %.1f s", shown_path(folder), model.hash, time.perf_counter() - started)
    return model


@lru_cache(maxsize=CACHED_MODELS)
def performer(instrument: str) -> Performer | None:
    """The shipped performer of an instrument; None when there is none, and takes then carry a notice."""
    from composer_core.model.performer.network import Performer

    folder = SHIPPED / f"{PERFORMER_PREFIX}{instrument}"
    return Performer.load(folder) if (folder / "config.json").is_file() else None
