"""The evaluation: its statistics by hand, what counts as copied, valid loops, and a page that is safe and whole."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from composer_core.errors import InvalidValue
from composer_core.lab.composer.affect import GRID, emotion_grid
from composer_core.lab.composer.evaluation import Counts, plain
from composer_core.lab.composer.held_out import Made, generate_for
from composer_core.lab.composer.memory import _longest_run, _note_line
from composer_core.lab.composer.page import page
from composer_core.lab.composer.promises import promises
from composer_core.lab.composer.statistics import auc, ccc, interval, overlap, pearson, spearman
from composer_core.lab.composer.systems import empty_beat_rate
from composer_core.lab.composer.text import markdown, sections, text_lines
from composer_core.lab.composer.validity import fault_of, random_condition, validity
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.models import find_model, load


def test_concordance_punishes_a_shift_that_correlation_forgives() -> None:
    asked, judged = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    assert pearson(asked, judged) == pytest.approx(1.0)
    # variances 2/3 and 2/3, covariance 2/3, means 1 apart: 2 * 2/3 / (4/3 + 1) = 4/7
    assert ccc(asked, judged) == pytest.approx(4 / 7)
    assert math.isnan(pearson(asked, np.ones(3)))


def test_spearman_gives_ties_their_mean_rank() -> None:
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5 / 4, variances 4.5 / 4 and 5 / 4
    found = spearman(np.array([1.0, 5.0, 5.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found == pytest.approx(4.5 / math.sqrt(4.5 * 5.0))


def test_an_interval_holds_the_measure_and_is_absent_for_two_pairs() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=80)
    second = first + rng.normal(size=80)
    low, high = interval(pearson, first, second) or [math.nan, math.nan]
    assert low < pearson(first, second) < high
    assert interval(pearson, first[:2], second[:2]) is None


def test_overlap_is_the_common_area_of_the_histograms() -> None:
    # over 0 to 3 in 3 bins: shares 1/2, 1/2, 0 and 0, 1/2, 1/2 have 1/2 in common
    assert overlap([0.0, 1.5], [1.5, 3.0], bins=3) == pytest.approx(0.5)
    assert overlap([2.0, 2.0], [2.0]) == 1.0
    assert math.isnan(overlap([math.nan], [1.0]))


def test_auc_counts_a_tie_as_half() -> None:
    assert auc([1.0, 2.0], [2.0, 3.0]) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_the_longest_copied_run_is_told_by_pitch_and_gaps() -> None:
    bar = ("Position_0", "Pitch_60", "Position_12", "Pitch_62", "Position_24", "Pitch_64")
    other = ("Position_0", "Pitch_50", "Position_12", "Pitch_62", "Position_24", "Pitch_64")
    line = _note_line([bar, bar], 48)
    # the first note of a loop has no gap before it and is not counted: of three notes two are copied
    assert _longest_run([bar], line) == 2
    assert _longest_run([other], line) == 2
    assert _longest_run([bar, bar], line) == 5
    assert _longest_run([("Position_0", "Pitch_70")], line) == 0


def test_a_run_in_bars_of_five_quarters_is_told_too() -> None:
    """Bars count as 4/4 here: after step 55 of one the next begins at 48, 7 steps before."""
    five = ("Position_0", "Pitch_60", "Position_55", "Pitch_62")
    line = _note_line([five, five], 60)
    assert _longest_run([five], line) == 1
    assert _longest_run([five, five], _note_line([five, five], 48)) == 3


def test_a_beat_in_which_nothing_begins_is_empty() -> None:
    notes = Notes.from_rows([(0, 1920, 60, 80), (480, 10, 62, 80), (500, 10, 64, 80)])
    assert empty_beat_rate(Loop("piano", notes, 1)) == pytest.approx(0.5)


def _made(notes: Notes, condition: Condition) -> Made:
    loop = Loop(condition.instrument, notes, condition.bars, condition.tempo_bpm, condition.meter, program=33)
    return Made(condition, loop, loop)


def test_a_loop_against_its_request() -> None:
    condition = Condition("bass", bars=1)
    assert fault_of(_made(Notes.from_rows([(0, 480, 40, 80)]), condition)) == ""
    assert fault_of(_made(Notes.from_rows([(0, 480, 100, 80)]), condition)) == "outside"
    assert fault_of(_made(Notes.from_rows([(0, 480, 40, 0)]), condition)) == "unreadable"
    short = _made(Notes.from_rows([(0, 480, 40, 80)]), condition)
    assert fault_of(Made(condition.changed(bars=2), short.grid, short.played)) == "bars"
    assert fault_of(Made(condition.changed(meter=Meter.parse("3/4")), short.grid, short.played)) == "metre"
    assert fault_of(Made(condition.changed(tempo_bpm=111.0), short.grid, short.played)) == "tempo"


def test_random_requests_are_all_valid_when_answered() -> None:
    loaded = load(find_model("bass", None, None))
    found = validity(loaded, "bass", 12, seed=3)
    assert found["valid_rate"] == 1.0, found["faults"]


def test_random_requests_reach_every_metre() -> None:
    rng = np.random.default_rng(0)
    asked = [random_condition("piano", ("game",), rng) for _ in range(60)]
    assert {str(one.meter) for one in asked} == set(ASK_METERS)


def test_loops_of_a_batch_answer_each_its_own_request() -> None:
    loaded = load(find_model("bass", None, None))
    asked = [
        Condition("bass", bars=1, meter=Meter.parse("7/8")),
        Condition("bass", bars=2, key=Key(5, "dorian")),
        Condition("bass", bars=4, meter=Meter.parse("3/4"), tempo_bpm=150.0),
    ]
    made = generate_for(loaded, asked, seed=1)
    assert [fault_of(one) for one in made] == ["", "", ""]
    assert set((made[1].played.notes.pitch % 12).tolist()) <= set(Key(5, "dorian").scale)
    again = generate_for(loaded, asked, seed=1)
    assert [one.played.notes for one in again] == [one.played.notes for one in made]


def test_the_grid_asks_for_every_cell_alike_and_nothing_else() -> None:
    grid = emotion_grid("piano", 100)
    assert len(grid) == 2 * GRID**2
    assert all(one.given == ("valence", "arousal") for one in grid)


def test_counts_stand_in_proportion_and_few_are_refused() -> None:
    assert Counts.scaled(500) == Counts()
    assert Counts.scaled(50).validity == 100
    with pytest.raises(InvalidValue):
        Counts.scaled(1)


REPORT = plain(
    {
        "model": "<script>alert(1)</script>",
        "instrument": "bass",
        "model_hash": "abc",
        "seed": 0,
        "n_human_loops": 2,
        "validity": {"n": 4, "valid_rate": 0.75, "faults": {"bars": 1}, "by_meter": {"4/4": math.nan}},
        "scores": {
            "human": {"total": {"n": 2, "p10": 40.0, "p50": 80.0, "p90": 90.0}},
            "generated": {"total": {"n": 2, "p10": 30.0, "p50": 60.0, "p90": 90.0}},
        },
        "memorisation": {
            "generated": {"nearest_distance_median": 0.3, "bars_seen_rate": 0.3},
            "validation": {"nearest_distance_median": 0.4, "bars_seen_rate": 0.1},
        },
    }
)
REPORT["promises"] = promises(REPORT)


def test_promises_are_kept_or_broken_by_the_figures() -> None:
    kept = {row["name"]: row["kept"] for row in REPORT["promises"]}
    assert kept == {
        "valid of 4 random requests": False,
        "total p50 without selection, share of human loops' p50": False,  # 60 / 80 = 0.75 < 0.9
        "total p50 without selection": False,  # 60 < 70
        "distance to the nearest training bar, share of human loops' own": False,  # 0.75 < 0.8
        "bars seen in training, more than human loops' share": False,  # 0.2 > 0.1
    }


def test_the_page_escapes_its_text_and_asks_nothing_of_the_net() -> None:
    made = page(REPORT)
    assert "<script" not in made
    assert "&lt;script&gt;" in made
    assert "NOT KEPT" in made
    assert "<svg" in made
    assert re.search(r"https?:|src=|<link|url\(", made) is None


def test_the_same_tables_are_printed_and_written_into_cards() -> None:
    titles = [section.title for section in sections(REPORT)]
    assert titles == ["Promises", "Validity", "Scores", "Memorisation"]
    assert any(line.strip().startswith("4/4") and line.rstrip().endswith("-") for line in text_lines(REPORT))
    assert "| 4/4 | - |" in markdown(sections(REPORT)[1])
