"""The table of all metrics, and the function that computes them in one pass."""

from __future__ import annotations

from composer_core.metrics import (
    bass,
    change,
    drums,
    dynamics,
    groove,
    guitar,
    habits,
    kit,
    piano,
    pulse,
    rhythm,
    sixteenths,
    strings,
    structure,
    tightness,
    tonality,
    touch,
)
from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import Loop

_FAMILIES = (rhythm, groove, dynamics, structure, drums, tonality, bass, guitar, piano, strings)
_HABITS = (tightness, touch, change, kit, habits, pulse, sixteenths)
"""Modules that add to the families: what comes back from bar to bar, who plays how much, where and how loud."""
FAMILIES = tuple(family.__name__.rsplit(".", 1)[1] for family in _FAMILIES)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for family in FAMILIES
    for module in (*_FAMILIES, *_HABITS)
    for metric in module.METRICS
    if metric.family == family
}
"""Every metric by name, in the order it is shown."""
_OF_INSTRUMENT = {
    instrument: [(m.name, m.read) for m in METRICS.values() if m.applies_to(instrument)] for instrument in INSTRUMENTS
}


def measure(loop: Loop) -> dict[str, float]:
    """Every metric that applies to the loop's instrument, by name; NaN where undefined."""
    return measure_analysis(Analysis(loop))


def measure_analysis(analysis: Analysis) -> dict[str, float]:
    """`measure` for a loop already analysed."""
    return {name: read(analysis) for name, read in _OF_INSTRUMENT[analysis.loop.instrument]}


def chords_of(loop: Loop) -> list[str]:
    """The chord of each bar, such as "C:maj", "N" where nothing sounds; none for drums and without notes."""
    return Analysis(loop).harmony.chords.names() if len(loop.notes) and not loop.is_drums else []


def swing_phase(loop: Loop) -> str:
    """straight, swing_8, swing_16 or triplet by the loop's own notes; "" without notes."""
    return Analysis(loop).phase
