"""Planted labels: people say of 300 loops the reverse of what the estimator says, and the model believes the people.

The same training without the labels is the control: its model follows the estimator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from composer_core.model.config import TrainConfig
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation import takes
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.library.measuring import measure_loops
from composer_core.pipeline.training.labelled import labels_of
from composer_core.pipeline.training.permitted_sets import loops_of
from composer_core.pipeline.training.windows import read_data
from composer_core.pipeline.training.worker import train_run
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import open_labels
from composer_core.store.loops.record import LoopRecord
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

N_LOOPS, BARS, SLOTS = 300, 2, 16
KICK, SNARE, HAT = 36, 38, 42
AROUSALS = np.linspace(0.05, 0.95, 10)
TAKES = 4


def beat(number: int) -> Loop:
    """Two bars of a kit, from a hit on every tenth 16th to one on nearly all; every loop is another one."""
    rng = np.random.default_rng(number)
    share = 0.1 + 0.9 * number / N_LOOPS
    hits = {(0, KICK)}
    for slot in range(BARS * SLOTS):
        if rng.random() < share:
            hits.add((slot * 120, HAT if slot % 2 else int(rng.choice([KICK, SNARE, HAT]))))
    rows = [(tick, 60, pitch, 90) for tick, pitch in sorted(hits)]
    return Loop("drums", Notes.from_rows(rows), BARS, 120.0, source=f"planted/{number}.mid")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A library whose approved arousal is 1 minus the estimator's, in every loop."""
    workspace = Workspace(tmp_path_factory.mktemp("planted") / "workspace").create()
    measured = measure_loops([beat(number) for number in range(N_LOOPS)])
    LoopStore(workspace).append(
        [LoopRecord.of(one, loop_id=f"{i:016x}", source_digest=f"{i:064x}") for i, one in enumerate(measured)]
    )
    approved = [
        Entry(f"{i:016x}", "emotion_arousal", round(1.0 - one.arousal_estimate, 3), "approved")
        for i, one in enumerate(measured)
    ]
    open_labels(workspace).write_many("aki", "approve", approved, {})
    return workspace


CONFIG = TrainConfig(
    size="tiny", steps=220, batch=32, learning_rate=6e-3, warm_up=20, merges=40, dropout=0.0, field_dropout=0.5,
    all_dropout=0.05, validate_every=55, checkpoint_every=220, device="cpu", threads=1,
)  # fmt: skip
"""Half of the fields hidden: arousal then often stands alone, as in the requests below."""


def rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's: the correlation of ranks, equal values sharing theirs."""
    return float(pd.Series(first).rank().corr(pd.Series(second).rank()))


def follows(run: Path, best_of: int = 1) -> float:
    """The rank correlation of asked arousal and the notes of the takes, -1 to 1."""
    asked, notes = [], []
    for number, arousal in enumerate(AROUSALS):
        condition = Condition("drums", bars=BARS, tempo_bpm=120.0, arousal=float(arousal))
        for take in generate(condition, takes=TAKES, seed=number, model=str(run / "model"), best_of=best_of):
            asked.append(float(arousal))
            notes.append(float(len(take.grid.notes)))
    return rank_correlation(asked, notes)


@pytest.mark.slow
def test_a_model_believes_people_and_not_the_estimator(
    planted: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    train_run(tmp_path / "heard", CONFIG, planted, told.append)
    train_run(tmp_path / "deaf", CONFIG, planted, read_loops=lambda: loops_for_training(planted, None))
    # As the estimator hears it, more notes are more arousal; these people say the reverse.
    assert follows(tmp_path / "heard") < -0.7
    assert follows(tmp_path / "heard", best_of=4) < -0.7
    assert follows(tmp_path / "deaf") > 0.4
    # The network itself has learnt it, not only what is filled in around it.
    monkeypatch.setattr(takes, "fill_in", lambda condition, *_: condition)
    assert follows(tmp_path / "heard") < -0.5
    assert follows(tmp_path / "deaf") > 0.5
    # The run says whom it believed: on the command's output, in its record, and to the page.
    counts = read_data(tmp_path / "heard").facts["labels"]
    assert isinstance(counts, dict) and set(counts["arousal"]) == {"human"}
    assert f"labels, arousal: {counts['arousal']['human']} human" in told
    assert "labels" not in read_data(tmp_path / "deaf").facts


def test_the_planted_labels_are_the_reverse_of_the_estimates(planted: Workspace) -> None:
    loops = loops_of(planted, "drums")
    said = [labels_of(loop).values["arousal"] for loop in loops]
    estimated = [one.arousal_estimate for one in measure_loops(loops)]
    notes = [float(len(loop.notes)) for loop in loops]
    assert len(loops) == N_LOOPS
    assert rank_correlation(said, estimated) == pytest.approx(-1.0, abs=1e-6)
    assert rank_correlation(estimated, notes) > 0.8
