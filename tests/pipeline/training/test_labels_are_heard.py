"""Planted labels: people say of 300 loops the reverse of what the estimator says, and the model believes the people.

The same training without the labels is the control: its model follows the estimator.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from composer_core.model.config import TrainConfig
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.library.loops import loops_for_training
from composer_core.pipeline.library.measuring import measure_loops
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
    """Two bars of a kit, from a kick alone to a hit on nearly every 16th; every loop is another one."""
    rng = np.random.default_rng(number)
    share = (number + 1) / N_LOOPS
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


def follows(run: Path, condition: Callable[[float], Condition]) -> float:
    """The rank correlation of asked arousal and the density of the takes, -1 to 1."""
    asked, density = [], []
    for number, arousal in enumerate(AROUSALS):
        for take in generate(condition(float(arousal)), takes=TAKES, seed=number, model=str(run / "model")):
            asked.append(float(arousal))
            density.append(len(take.grid.notes))
    ranks = [np.argsort(np.argsort(np.array(values), kind="stable"), kind="stable") for values in (asked, density)]
    return float(np.corrcoef(*ranks)[0, 1])
