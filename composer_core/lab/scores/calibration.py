"""Build the calibration of an instrument's scores from real human loops.

Drums use the training takes of the Groove MIDI Dataset, grouped by drummer's session; its validation
takes are never read here. Pitched instruments use sequenced and notated music, grouped by file, because
no performed set may be used (see `sources`). Notation has neither timing nor dynamics, so these axes are
left out there; on sequenced music, dynamics are learnt from parts whose velocity varies. Everything is
deterministic: the same files give the same calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from composer_core.errors import NotFound, require_choice
from composer_core.estimate.scores.axes import AXES, Calibration
from composer_core.estimate.scores.files import save
from composer_core.estimate.scores.training import Plan, fit
from composer_core.lab.scores.examples import (
    CROSS_WEIGHTS,
    PASSED_WEIGHTS,
    Played,
    axis_metrics,
    digest_of,
    examples_of,
    kind_axes,
    strength_weights,
    windows_of_takes,
)
from composer_core.lab.scores.sources import SOURCES, Source, takes_of
from composer_core.metrics import METRICS
from composer_core.music.loop import Loop
from composer_core.store.atomic import write_bytes

Progress = Callable[[str], None]


def calibrate(data: Path, instrument: str, out: Path, progress: Progress = lambda _: None) -> dict[str, object]:
    """Build the calibration of an instrument from the data sets under `data` and write it into `out`.

    Gives its card: data, split, counts and digest. NotFound when the sets are not there,
    InvalidValue for an instrument without a source.
    """
    require_choice("instrument", instrument, tuple(SOURCES))
    source = SOURCES[instrument]
    takes = takes_of(data, source, held_out=False)
    if not takes:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="calibrate scores by")
    calibration = build(takes, source, progress)
    digest = save(out, calibration, write_bytes)
    return {**calibration.card, "digest": digest}


def build(
    takes: Sequence[tuple[Loop, str]], source: Source, progress: Progress = lambda _: None, without: str | None = None
) -> Calibration:
    """A calibration from takes with their groups; `without` leaves a kind of damage out of training."""
    instrument = source.instrument
    axes = [axis for axis in AXES if axis not in source.missing]
    played = _sampled(windows_of_takes(takes), source.max_loops)
    metrics = [name for name, metric in METRICS.items() if metric.applies_to(instrument)]
    kinds = usable_kinds(source)
    progress(f"{len(takes)} takes, {len(played)} loops, {len(kinds)} kinds of damage, {len(metrics)} metrics")
    examples = examples_of(played, metrics, list(kinds))
    if without is not None:
        examples = examples.without_kind(without)
    plan = Plan(
        instrument,
        axis_metrics(instrument, axes),
        kinds,
        source.missing,
        strength_weights=strength_weights(kinds),
        passed_weights=PASSED_WEIGHTS,
        cross_weights=CROSS_WEIGHTS,
        typicality_share=source.typicality_share,
    )
    card = {
        "about": "axes of loops from 0 to 100: typicality of human loops and trees against damage",
        "command": f"composer calibrate --data PATH --instrument {instrument} -o DIR",
        "data": source.about,
        "data_digest": digest_of(examples),
        "takes": len({one.take for one in played}),
        "groups": len({one.group for one in played}),
        "loops": len(played),
        "kinds": [name for name in kinds if name != without],
    }
    progress("fitting")
    calibration, _ = fit(examples, plan, card)
    return calibration


def _sampled(played: list[Played], count: int | None) -> list[Played]:
    """So many of the loops, in their order; the same ones every time."""
    if count is None or len(played) <= count:
        return played
    kept = np.sort(np.random.default_rng(0).permutation(len(played))[:count])
    return [played[index] for index in kept]


def usable_kinds(source: Source) -> Mapping[str, tuple[str, ...]]:
    """The kinds of damage that hurt an axis the source has, each with those axes."""
    found = {}
    for name, axes in kind_axes(source.instrument).items():
        present = tuple(axis for axis in axes if axis not in source.missing)
        if present:
            found[name] = present
    return found
