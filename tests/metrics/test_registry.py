"""One contract for every metric, and for the table as a whole."""

import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

from composer_core.cli.metric_table import metric_table
from composer_core.metrics import FAMILIES, METRICS, Analysis, measure, measure_analysis, swing_phase
from composer_core.music.instruments import INSTRUMENTS
from composer_core.music.loop import NO_NOTES, Loop
from metric_loops import beat, tune


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_metric_says_what_it_is(metric):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.family in FAMILIES
    assert len(metric.doc) > 30 and ("NaN" in metric.doc or "0 without notes" in metric.doc or "No notes" in metric.doc)
    assert metric.low < metric.high
    assert metric.source
    assert metric.instruments is None or set(metric.instruments) <= set(INSTRUMENTS)


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_metric_has_words_in_both_languages(metric):
    assert metric.name_en and metric.name_en.isascii()
    assert re.search(r"[ぁ-ヿ一-鿿]", metric.name_ja)
    assert metric.meaning_en.endswith(".") and metric.meaning_en.count(". ") == 0
    assert metric.meaning_ja.endswith("。") and re.search(r"[ぁ-ヿ一-鿿]", metric.meaning_ja)


def test_the_page_of_metrics_is_up_to_date():
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    assert page.read_text(encoding="utf-8") == metric_table(), "run python -m composer_core.cli.metric_table"


def test_names_on_screen_are_told_apart():
    for names in ([m.name_en for m in METRICS.values()], [m.name_ja for m in METRICS.values()]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_names_with_a_time_carry_its_unit(metric):
    assert metric.name.endswith("_ms") == (metric.unit == "ms")


def test_drums_and_pitched_loops_have_their_own_families():
    drums, piano = measure(beat(kick="x...x...")), measure(tune([(0, 480, 60)]))
    assert "ghost_rate" in drums and "register" not in drums
    assert "register" in piano and "ghost_rate" not in piano and "microtiming_kick_ms" not in piano


@pytest.mark.parametrize("loop", [beat(kick="x...x...", hat="x.x.x.x."), tune([(0, 480, 60), (500, 200, 64)])])
def test_one_pass_gives_what_each_metric_gives_alone(loop):
    together = measure(loop)
    np.testing.assert_equal(together, measure_analysis(Analysis(loop)))
    for name, value in together.items():
        assert METRICS[name].function(loop) == pytest.approx(value, nan_ok=True)
        assert isinstance(value, float)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_loop_without_notes_is_measured(instrument):
    found = measure(Loop(instrument, NO_NOTES, 4))
    assert all(math.isnan(value) or value == 0.0 for value in found.values())
    assert swing_phase(Loop(instrument, NO_NOTES, 4)) == ""


def test_metrics_are_pure_functions_of_the_loop():
    loop = beat(kick="x..xx...", hat="xxxxxxxx")
    before = [column.copy() for column in loop.notes.columns()]
    measure(loop)
    assert all((a == b).all() for a, b in zip(before, loop.notes.columns(), strict=True))
    assert not [name for name, m in METRICS.items() if len(inspect.signature(m.function).parameters) != 1]
