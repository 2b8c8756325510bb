"""The table of all metrics, and one pass over it."""

from __future__ import annotations

from composer_core.metrics import bass, drums, dynamics, groove, guitar, piano, rhythm, strings, structure, tonality
from composer_core.metrics.analysis import Analysis
from composer_core.metrics.metric import Metric
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import Loop

_FAMILIES = (rhythm, groove, dynamics, structure, drums, tonality, bass, guitar, piano, strings)
METRICS: dict[str, Metric] = {metric.name: metric for family in _FAMILIES for metric in family.METRICS}
"""Every metric by name, in the order it is shown."""
FAMILIES = tuple(family.__name__.rsplit(".", 1)[1] for family in _FAMILIES)
_OF_INSTRUMENT = {
    instrument: [(m.name, m.read) for m in METRICS.values() if m.applies_to(instrument)] for instrument in INSTRUMENTS
}


def measure(loop: Loop) -> dict[str, float]:
    """Every metric that applies to the loop's instrument, by name; NaN where undefined."""
    return measure_analysis(Analysis(loop))


def measure_analysis(analysis: Analysis) -> dict[str, float]:
    """`measure` for a loop already analysed."""
    return {name: read(analysis) for name, read in _OF_INSTRUMENT[analysis.loop.instrument]}


def swing_phase(loop: Loop) -> str:
    """straight, swing_8, swing_16 or triplet by the loop's own notes; "" without notes."""
    return Analysis(loop).phase
