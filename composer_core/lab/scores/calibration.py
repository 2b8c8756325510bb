"""Build the calibration of an instrument's scores from real human loops, for one of the two profiles.

Drums use the training takes of the Groove MIDI Dataset, grouped by drummer's session; its validation
takes are never read here. Pitched instruments use sequenced and notated music, grouped by file, because
no performed set may be used (see `sources`). Notation has neither timing nor dynamics, so these axes are
left out there; on sequenced music, dynamics are learnt from parts whose velocity varies. The programmed profile is
made of sequenced and notated music alone and reads nothing that timing or velocity change. Everything is
deterministic: the same files give the same calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from composer_core.errors import NotFound
from composer_core.estimate.scores.axes import AXES, Calibration
from composer_core.estimate.scores.files import save
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED
from composer_core.estimate.scores.training import Examples, Plan, fit
from composer_core.lab.scores.examples import (
    CROSS_WEIGHTS,
    PASSED_WEIGHTS,
    Played,
    axis_metrics,
    digest_of,
    examples_of,
    kind_axes,
    profile_metrics,
    strength_weights,
    windows_of_takes,
)
from composer_core.lab.scores.sources import Source, folder_of, source_of, takes_of
from composer_core.lab.scores.steps import Steps
from composer_core.music.loop import Loop
from composer_core.pipeline.training.sources import spread
from composer_core.store.atomic import write_bytes

Progress = Callable[[str], None]


def calibrate(
    data: Path,
    instrument: str,
    out: Path,
    progress: Progress = lambda _: None,
    *,
    profile: str = PERFORMED,
    steps: Steps | None = None,
) -> dict[str, object]:
    """Build the calibration of an instrument from the data sets under `data` and write it into `out`.

    What is measured is kept by `steps`. Gives its card: data, split, counts and digest. NotFound when the sets are
    not there, InvalidValue for an unknown profile and an instrument without a source.
    """
    source = source_of(instrument, profile)
    takes = takes_of(data, source, held_out=False)
    if not takes:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="calibrate scores by")
    calibration = build(takes, source, progress, steps=steps)
    digest = save(out, calibration, write_bytes)
    return {**calibration.card, "digest": digest}


def build(
    takes: Sequence[tuple[Loop, str]],
    source: Source,
    progress: Progress = lambda _: None,
    without: str | None = None,
    steps: Steps | None = None,
) -> Calibration:
    """A calibration from takes with their groups; `without` leaves a kind of damage out of training."""
    instrument = source.instrument
    axes = [axis for axis in AXES if axis not in source.missing]
    played = sampled(windows_of_takes(takes), source)
    metrics = profile_metrics(instrument, source.profile)
    kinds = usable_kinds(source)
    progress(f"{len(takes)} takes, {len(played)} loops, {len(kinds)} kinds of damage, {len(metrics)} metrics")
    examples = examples_of(played, metrics, list(kinds), steps=steps)
    if without is not None:
        examples = examples.without_kind(without)
    plan = Plan(
        instrument,
        axis_metrics(instrument, axes, source.profile),
        kinds,
        source.missing,
        strength_weights=strength_weights(kinds),
        passed_weights=PASSED_WEIGHTS,
        cross_weights=CROSS_WEIGHTS,
        typicality_share=source.typicality_share,
    )
    card = _card(source, examples, played, [name for name in kinds if name != without])
    progress("fitting")
    calibration, _ = fit(examples, plan, card)
    return calibration


def _card(source: Source, examples: Examples, played: Sequence[Played], kinds: Sequence[str]) -> dict[str, object]:
    """What a calibration is made of."""
    named = "" if source.profile == PERFORMED else f" --profile {source.profile}"
    card: dict[str, object] = {
        "about": "axes of loops from 0 to 100: typicality of human loops and trees against damage",
        "command": f"composer calibrate --data PATH --instrument {source.instrument}{named} -o DIR",
        "data": source.about,
        "data_digest": digest_of(examples),
        "takes": len({one.take for one in played}),
        "groups": len({one.group for one in played}),
        "loops": len(played),
        "kinds": list(kinds),
    }
    if source.profile != PERFORMED:
        folders = [folder_of(source, one.group) for one in played]
        card |= {"profile": source.profile, "loops_of": {name: folders.count(name) for name in source.folders}}
    return card


def sampled(played: list[Played], source: Source) -> list[Played]:
    """So many of the loops as the source asks for, in their order; the same ones every time."""
    count = source.max_loops
    if count is None or len(played) <= count:
        return played
    drawn = np.random.default_rng(0).permutation(len(played))
    if source.profile == PROGRAMMED:
        by_folder = {name: list[int]() for name in source.folders}
        for index in drawn.tolist():
            by_folder[folder_of(source, played[index].group)].append(index)
        most = spread([len(indices) for indices in by_folder.values()], count)
        drawn = np.array([index for indices in by_folder.values() for index in indices[:most]])
    return [played[index] for index in np.sort(drawn[:count]).tolist()]


def usable_kinds(source: Source) -> Mapping[str, tuple[str, ...]]:
    """The kinds of damage that hurt an axis the source has, each with those axes."""
    found = {}
    for name, axes in kind_axes(source.instrument).items():
        present = tuple(axis for axis in axes if axis not in source.missing)
        if present:
            found[name] = present
    return found
