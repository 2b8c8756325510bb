"""What validation is counted by, and that it asks for held-out takes."""

from pathlib import Path

import numpy as np
import pytest

from composer_core.errors import InvalidValue, NotFound
from composer_core.pipeline.score_examples import axis_metrics, kind_axes
from composer_core.pipeline.score_validation import auc, spearman, validate_scores


def test_auc_counts_pairs_and_halves_ties():
    # of 2 x 2 pairs three are above and one is a tie
    assert auc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == 0.875


def test_spearman_is_minus_one_where_every_step_falls():
    assert spearman(np.array([9.0, 5.0, 4.0, 1.0])) == pytest.approx(-1)
    # ranks 0 1 3 2 against 0 1 2 3: 1 - 6 * 2 / (4 * 15)
    assert spearman(np.array([1.0, 2.0, 9.0, 5.0])) == pytest.approx(0.8)


def test_validation_needs_held_out_takes_and_a_known_instrument(tmp_path: Path):
    with pytest.raises(NotFound, match="drums"):
        validate_scores(tmp_path, "drums")
    with pytest.raises(InvalidValue, match="kazoo"):
        validate_scores(tmp_path, "kazoo")


def test_each_axis_reads_its_families_and_each_kind_hurts_an_axis():
    axes = axis_metrics("drums", ("timing", "velocity", "cohesion"))
    assert "microtiming_sd_ms" in axes["timing"] and "velocity_sd" in axes["velocity"]
    assert "role_fit" in axes["cohesion"] and "velocity_sd" not in axes["cohesion"]
    assert "roles_permuted" in kind_axes("drums") and "out_of_scale" not in kind_axes("drums")
    assert kind_axes("piano")["out_of_scale"] == ("groove_harmony",)
