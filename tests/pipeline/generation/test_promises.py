"""What is promised of generated takes, over many seeds: swing as asked, whole loops, conditions that matter."""

from __future__ import annotations

import numpy as np
import pytest

from composer_core.lab.composer.statistics import auc
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.timing import BARS_CHOICES, Meter
from composer_core.pipeline.generation.takes import generate, measure_midi, perform_take, render_take, take_midi
from swing_meter import measure_swing

pytestmark = pytest.mark.slow

N_SEEDS = 100
ENOUGH_PAIRS = 4
"""One pair a bar."""


def percent_of(ratio: float) -> float:
    return 100.0 * ratio / (1.0 + ratio)


@pytest.mark.parametrize("grid", [8, 16])
@pytest.mark.parametrize("percent", [50.0, 58.0, 62.0, 66.7])
def test_the_swing_asked_for_is_in_the_written_file(percent: float, grid: int) -> None:
    """Within 0.03 of the ratio without humanise, within 3 percentage points at 50, in 95 of 100 by both meters."""
    condition = Condition("drums", tempo_bpm=96.0, genre={"funk": 1.0}, swing_percent=percent, swing_grid=grid)
    hits: dict[tuple[str, float], list[bool]] = {}
    for seed in range(N_SEEDS):
        take = generate(condition, seed=seed)[0]
        for humanise in (0.0, 50.0):
            asked = condition.changed(humanise_percent=humanise)
            if perform_take(take, asked).floor_acted:
                continue
            data = take_midi(take, asked)
            second = measure_swing(data, grid)
            readings = {
                "metric": measure_midi(data, "take.mid")[f"swing_ratio_{grid}"],
                "second": second.ratio if second.n_pairs >= ENOUGH_PAIRS else None,
            }
            for name, ratio in readings.items():
                if ratio is not None:
                    near = abs(ratio - condition.swing_ratio) <= 0.03
                    if humanise:
                        near = abs(percent_of(ratio) - percent) <= 3.0
                    hits.setdefault((name, humanise), []).append(near)
    assert len(hits) == 4
    for key, found in hits.items():
        assert len(found) >= 10, f"{key}: only {len(found)} takes hold enough pairs"
        assert np.mean(found) >= 0.95, f"{key}: {sum(found)} of {len(found)}"


def test_two_hundred_random_conditions_are_whole_loops() -> None:
    rng = np.random.default_rng(1)
    for seed in range(200):
        condition = Condition(
            "drums",
            bars=int(rng.choice(BARS_CHOICES)),
            meter=Meter.parse(str(rng.choice(ASK_METERS))),
            tempo_bpm=float(rng.uniform(50, 200)),
            valence=float(rng.uniform(-1, 1)) if rng.random() < 0.7 else None,
            arousal=float(rng.uniform(0, 1)) if rng.random() < 0.7 else None,
            genre={str(rng.choice(["rock", "funk", "jazz", "latin"])): 1.0} if rng.random() < 0.7 else {},
            swing_percent=float(rng.uniform(50, 70)),
            swing_grid=int(rng.choice([8, 16])),
        )
        take = generate(condition, seed=seed)[0]
        measured = measure_midi(take_midi(take), "take.mid")
        assert measured["bars"] == condition.bars
        assert measured["meter"] == str(condition.meter)
        assert measured["tempo_bpm"] == pytest.approx(condition.tempo_bpm, abs=0.002)
        assert len(take.grid.notes) >= condition.bars


def test_conditions_matter() -> None:
    """Arousal 0.1 against 0.9 by density and loudness, valence -0.8 against 0.8 by the kit's brightness."""
    sides = {"arousal": (0.1, 0.9), "valence": (-0.8, 0.8)}
    names = {"arousal": ("onset_density", "velocity_mean"), "valence": ("cymbal_rate",)}
    from composer_core.metrics import measure

    for field, ends in sides.items():
        groups = []
        for value in ends:
            asked = Condition("drums", tempo_bpm=110.0, **{field: value})  # type: ignore[arg-type]
            groups.append([measure(render_take(generate(asked, seed=seed)[0])) for seed in range(60)])
        for name in names[field]:
            found = auc(*([row[name] for row in group] for group in groups))
            assert found >= 0.8, f"{field} moves {name} with an AUC of {found:.2f} only"
