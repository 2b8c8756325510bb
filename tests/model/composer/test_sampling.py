"""Sampling in batches: who has finished leaves, and the others are written as before."""

from __future__ import annotations

import pytest

from composer_core.model.composer import sampling
from composer_core.model.composer.sampling import SampleSettings, sample_mixed
from composer_core.music.condition import Condition
from tiny_models import shared_model


def test_finished_sequences_leave_the_batch_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = [Condition("piano", bars=bars, density=1.0, valence=0.5) for bars in (1, 4, 1, 2, 1)]
    bold = SampleSettings(guidance=1.5)
    shrinking = sample_mixed(shared_model(), conditions, range(5), bold)
    monkeypatch.setattr(sampling, "STILL_OPEN", 0.0)
    whole = sample_mixed(shared_model(), conditions, range(5), bold)
    assert [list(notes.rows()) for notes in shrinking] == [list(notes.rows()) for notes in whole]
