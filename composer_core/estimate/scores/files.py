"""Store a calibration: one JSON file per instrument, and the trees of each axis and cross-effect as LightGBM's text.

The digest is the SHA-256 of all these files, so that a damaged or mixed set is refused by
name, and scores can name the calibration they come from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.errors import ModelError
from composer_core.estimate.classifiers.trees import Trees
from composer_core.estimate.scores.axes import EVERYTHING, AxisModel, Calibration, CrossEffect, Level
from composer_core.estimate.scores.maps import ScoreMap
from composer_core.estimate.scores.profiles import PERFORMED
from composer_core.estimate.scores.typicality import NormalScale, rounded
from composer_core.workspace import ASSETS

SHIPPED = ASSETS / "scores"
_DIGEST_LENGTH = 16


def save(folder: Path, calibration: Calibration, write: Callable[[Path, bytes], None]) -> str:
    """Write a calibration into `folder` with `write`; returns its digest."""
    name = calibration.instrument
    models = {**calibration.axes, EVERYTHING: calibration.everything}
    texts = {axis: model.trees.text.encode() for axis, model in models.items()}
    texts |= {_cross(axis): effect.trees.text.encode() for axis, effect in calibration.cross_effects.items()}
    body = {
        "instrument": name,
        "metrics": list(calibration.metrics),
        "everything_share": calibration.everything_share,
        "missing": dict(calibration.missing),
        "card": dict(calibration.card),
        "scales": {str(length): scale.to_json() for length, scale in calibration.scales.items()},
        "total": {str(length): list(mapped.knots) for length, mapped in calibration.total.items()},
        "axes": {axis: _axis_json(model) for axis, model in models.items()},
        "cross_effects": {axis: rounded(effect.human_parts) for axis, effect in calibration.cross_effects.items()},
    }
    digest = _digest(body, texts)
    for axis, text in texts.items():
        write(_trees_path(folder, name, axis), text)
    write(folder / f"{name}.json", (_compact({"digest": digest, **body}) + "\n").encode())
    return digest


def load(folder: Path, instrument: str) -> Calibration | None:
    """The calibration of an instrument; None where the folder has none.

    ModelError names the file that is damaged, missing or of another calibration.
    """
    path = folder / f"{instrument}.json"
    if not path.is_file():
        return None
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        digest = body.pop("digest")
        names = (*body["axes"], *(_cross(axis) for axis in body["cross_effects"]))
        texts = {name: _read_trees(_trees_path(folder, instrument, name)) for name in names}
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise ModelError("damaged_model", path=str(path), reason=f"{type(error).__name__} {error}") from error
    if digest != _digest(body, texts):
        raise ModelError("damaged_model", path=str(path), reason="its digest does not fit the files beside it")
    return _calibration(folder, body, texts, digest)


def shipped_folder(profile: str = PERFORMED) -> Path:
    """The folder of the shipped calibrations of a profile: the performed ones lie where they always did."""
    return SHIPPED if profile == PERFORMED else SHIPPED / profile


@cache
def shipped(instrument: str, profile: str = PERFORMED) -> Calibration | None:
    """The shipped calibration of an instrument for a profile, read once; None where there is none."""
    return load(shipped_folder(profile), instrument)


def _read_trees(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError("damaged_model", path=str(path), reason=error.strerror or str(error)) from error


def _trees_path(folder: Path, instrument: str, name: str) -> Path:
    return folder / f"{instrument}-{name}.txt"


def _cross(axis: str) -> str:
    return f"{axis}-cross"


def _digest(body: Mapping[str, Any], texts: Mapping[str, bytes]) -> str:
    found = hashlib.sha256(json.dumps(body, sort_keys=True).encode())
    for axis in sorted(texts):
        found.update(axis.encode() + texts[axis])
    return found.hexdigest()[:_DIGEST_LENGTH]


def _axis_json(model: AxisModel) -> dict[str, Any]:
    return {
        "metrics": list(model.metrics),
        "typicality_share": model.typicality_share,
        "levels": {str(length): level.to_json() for length, level in model.levels.items()},
        "human_tree_parts": rounded(model.human_tree_parts),
        "human_distance_parts": rounded(model.human_distance_parts),
    }


def _calibration(folder: Path, body: Mapping[str, Any], texts: Mapping[str, bytes], digest: str) -> Calibration:
    instrument = body["instrument"]
    trees = {
        name: Trees.parse(text.decode(), str(_trees_path(folder, instrument, name))) for name, text in texts.items()
    }
    models = {axis: _axis(value, trees[axis]) for axis, value in body["axes"].items()}
    everything = models.pop(EVERYTHING)
    return Calibration(
        instrument=instrument,
        metrics=tuple(body["metrics"]),
        scales={int(length): NormalScale.from_json(value) for length, value in body["scales"].items()},
        axes=models,
        cross_effects={
            axis: CrossEffect(trees[_cross(axis)], np.array(parts, dtype=np.float64))
            for axis, parts in body["cross_effects"].items()
        },
        everything=everything,
        everything_share=body["everything_share"],
        total={int(length): ScoreMap(tuple(knots)) for length, knots in body["total"].items()},
        missing=body["missing"],
        digest=digest,
        card=body["card"],
    )


def _axis(value: Mapping[str, Any], trees: Trees) -> AxisModel:
    return AxisModel(
        metrics=tuple(value["metrics"]),
        trees=trees,
        typicality_share=value["typicality_share"],
        levels={int(length): Level.from_json(level) for length, level in value["levels"].items()},
        human_tree_parts=np.array(value["human_tree_parts"], dtype=np.float64),
        human_distance_parts=np.array(value["human_distance_parts"], dtype=np.float64),
    )


def _compact(value: Mapping[str, Any]) -> str:
    """JSON with one line an innermost list."""
    lines: list[str] = []
    depth = 0
    for line in json.dumps(value, ensure_ascii=False, indent=1).splitlines():
        text = line.strip()
        if depth:
            lines[-1] += text
        else:
            lines.append(line)
        depth += text.endswith("[") - text.startswith("]")
    return "\n".join(lines)
