"""Tempo classes by the beat of the metre."""

import pytest

from composer_core.music.label_codes import tempo_bucket
from composer_core.music.timing import Meter


@pytest.mark.parametrize(
    ("tempo_bpm", "meter", "bucket"),
    [
        (89.9, Meter(4, 4), "slow"),
        (90.0, Meter(4, 4), "medium"),
        (130.0, Meter(3, 4), "medium"),
        (130.1, Meter(7, 8), "fast"),
        # 6/8 beats in dotted quarters: 120 quarters a minute are 80 beats, 210 are 140.
        (120.0, Meter(6, 8), "slow"),
        (210.0, Meter(12, 8), "fast"),
    ],
)
def test_tempo_classes_count_beats(tempo_bpm: float, meter: Meter, bucket: str) -> None:
    assert tempo_bucket(tempo_bpm, meter) == bucket
