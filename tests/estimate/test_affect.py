"""Valence and arousal: directions as published, spread over real music, never NaN."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import StoreError
from composer_core.estimate import affect, estimate_affect
from composer_core.estimate.affect import AROUSAL_WEIGHTS, VALENCE_WEIGHTS, load_reference, read_affect
from composer_core.metrics import METRICS, measure
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import NO_NOTES, Loop
from metric_loops import beat, drum_loops, groove_loops, tunes


def at_the_average(instrument: str) -> dict[str, float]:
    """Metrics at the reference means; onset_density such that the tempo is at its mean too."""
    means = {name: mean for name, (mean, _) in load_reference(affect.REFERENCE)[instrument]["metrics"].items()}
    return {**means, "onset_density": 60 * means["onset_rate"] / means["tempo_bpm"]}


def moved(values: dict[str, float], instrument: str, name: str, deviations: float) -> dict[str, float]:
    """The same with one metric (or the tempo) some standard deviations away."""
    mean, deviation = load_reference(affect.REFERENCE)[instrument]["metrics"][name]
    value = mean + deviations * deviation
    if name == "tempo_bpm":
        return {**values, "onset_density": 60 * values["onset_rate"] / value}
    if name == "onset_rate":
        return {**values, name: value, "onset_density": values["onset_density"] * value / values["onset_rate"]}
    return {**values, name: value}


DIRECTIONS = [
    pytest.param(instrument, axis, name, weight, id=f"{instrument}-{axis}-{name}")
    for instrument in ("drums", "piano")
    for axis, table in ((0, VALENCE_WEIGHTS), (1, AROUSAL_WEIGHTS))
    for name, weight in table["drums" if instrument == "drums" else "pitched"].items()
    if not name.endswith("_medium")
]


@pytest.mark.parametrize("instrument, axis, name, weight", DIRECTIONS)
def test_each_metric_moves_its_axis_as_published(instrument, axis, name, weight):
    average = at_the_average(instrument)
    low, high = (estimate_affect(moved(average, instrument, name, d), instrument)[axis] for d in (-1.5, 1.5))
    assert (high - low) * weight > 0.05 * abs(weight)


def test_medium_syncopation_is_most_pleasant():
    average = at_the_average("drums")
    few, medium, many = (estimate_affect(moved(average, "drums", "syncopation", d), "drums")[0] for d in (-2, 0, 2))
    assert medium > max(few, many) + 0.1


def test_cymbals_move_the_valence_of_drums_most():
    assert max(VALENCE_WEIGHTS["drums"], key=lambda name: abs(VALENCE_WEIGHTS["drums"][name])) == "cymbal_rate"
    dark = beat(bars=2, kick="x...x...x...x...", low="..x...x...x...x.", snare="....x.......x...")
    bright = beat(bars=2, kick="x...x...x...x...", hat="..x...x...x...x.", snare="....x.......x...")
    assert estimate_affect(measure(bright), "drums")[0] > estimate_affect(measure(dark), "drums")[0] + 0.3


def test_the_sum_by_hand(monkeypatch):
    # two metrics: z of onset_rate (6 - 4) / 2 = 1, of velocity_mean (90 - 60) / 10 = 3; sum 1 * 1 + 0.5 * 3 = 2.5,
    # half way between the percentiles 0 (at 0) and 100 (at 5): arousal 0.5. Valence: mode (0.1 - 0) / 0.1 = 1,
    # times 0.5, between -1 and 1
    line = [round(p / 20, 4) for p in affect._PERCENTS]
    table = {
        "metrics": {"onset_rate": [4, 2], "velocity_mean": [60, 10], "mode_lean": [0, 0.1]},
        "arousal": line,
        "valence": [2 * x / 5 - 1 for x in line],
    }
    monkeypatch.setattr(affect, "load_reference", lambda path: {"piano": table})
    monkeypatch.setattr(affect, "AROUSAL_WEIGHTS", {"pitched": {"onset_rate": 1.0, "velocity_mean": 0.5}})
    monkeypatch.setattr(affect, "VALENCE_WEIGHTS", {"pitched": {"mode_lean": 0.5}})
    found = read_affect({"onset_rate": 6.0, "velocity_mean": 90.0, "mode_lean": 0.1}, "piano")
    assert found.arousal == pytest.approx(0.5)
    assert found.valence == pytest.approx(0.5)
    assert found.arousal_parts == pytest.approx({"onset_rate": 1.0, "velocity_mean": 1.5})
    # all weights defined, all contributions agree: the ceiling
    assert found.arousal_confidence == 0.5


def test_opposite_contributions_lower_the_confidence():
    average = at_the_average("drums")
    agreeing = moved(moved(average, "drums", "velocity_mean", 1.0), "drums", "onset_rate", 1.0)
    torn = moved(moved(average, "drums", "velocity_mean", 1.0), "drums", "onset_rate", -1.0)
    first, second = (read_affect(values, "drums").arousal_confidence for values in (agreeing, torn))
    assert first > 0.4 > 0.1 > second


def test_reasons_name_the_largest_contributions():
    values = moved(moved(at_the_average("drums"), "drums", "velocity_mean", 2.0), "drums", "onset_rate", -1.0)
    assert affect.suggest_affect(values, "drums")["emotion_arousal"].reasons[:2] == (
        "metric:velocity_mean:+",
        "metric:onset_rate:-",
    )


@settings(max_examples=100, deadline=None)
@given(st.one_of(drum_loops(), tunes()))
def test_estimates_lie_in_range_for_any_loop(loop):
    valence, arousal = estimate_affect(measure(loop), loop.instrument)
    assert -1.0 <= valence <= 1.0 and 0.0 <= arousal <= 1.0
    for suggestion in affect.suggest_affect(measure(loop), loop.instrument).values():
        assert 0.0 <= suggestion.confidence <= 0.5


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_loop_without_notes_is_estimated_average(instrument):
    found = read_affect(measure(Loop(instrument, NO_NOTES, 4)), instrument)
    assert math.isfinite(found.valence) and math.isfinite(found.arousal)
    assert (found.valence_confidence, found.arousal_parts.get("velocity_mean")) == (0.0, None)


def test_both_axes_are_spread_over_real_drumming():
    table = np.array([estimate_affect(measure(loop), "drums") for loop in groove_loops(stride=4)])
    valence, arousal = table.T
    assert valence.std() >= 0.5 and arousal.std() >= 0.25  # uniform would be 0.58 and 0.29
    assert np.histogram(valence, bins=5, range=(-1, 1))[0].min() >= 0.08 * len(table)
    assert np.histogram(arousal, bins=5, range=(0, 1))[0].min() >= 0.08 * len(table)
    assert abs(np.corrcoef(table.T)[0, 1]) <= 0.5


def test_the_shipped_reference_is_whole():
    data = json.loads(affect.REFERENCE.read_text(encoding="utf-8"))
    assert set(data["instruments"]) == set(INSTRUMENTS)
    for instrument, table in data["instruments"].items():
        kind = "drums" if instrument == "drums" else "pitched"
        names = {name.removesuffix("_medium") for name in (*VALENCE_WEIGHTS[kind], *AROUSAL_WEIGHTS[kind])}
        assert set(table["metrics"]) == names <= {*METRICS, "tempo_bpm"}
        assert table["loops"] >= 1000
        for axis in ("valence", "arousal"):
            assert len(table[axis]) == len(affect._PERCENTS)
            assert table[axis] == sorted(table[axis])
        assert len(data["digest"][instrument]) == 64


def test_measuring_a_reference_by_hand():
    # onset rates 2 and 4: mean 3, deviation 1; the sums over both rows are their own 0th and 100th percentile
    rows = [{"onset_rate": 2.0, "onset_density": 1.0}, {"onset_rate": 4.0, "onset_density": 1.0}]
    for row in rows:
        row.update(velocity_mean=80.0, articulation=1.0, register=60.0, mode_lean=0.0)
    found = affect.measure_reference(rows, "piano")
    assert found["metrics"]["onset_rate"] == [3.0, 1.0]
    assert found["metrics"]["tempo_bpm"] == [180.0, 60.0]
    # -1 * 1.0 - 1 * 0.5 and the same upwards
    assert (found["arousal"][0], found["arousal"][-1], found["loops"]) == (-1.5, 1.5, 2)


@pytest.mark.parametrize("text", ["", "[", "{}"])
def test_a_damaged_reference_is_named(tmp_path, text):
    path = tmp_path / "reference.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"reference\.json"):
        load_reference(path)
