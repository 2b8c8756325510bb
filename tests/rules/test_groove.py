import json

import numpy as np
import pytest
from hypothesis import given

from composer_core.errors import InvalidValue
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.rules import GrooveTemplate, apply_groove, apply_swing, extract_groove
from rule_loops import HAT, SNARE, layered_loops, rock_loop


def late_snare() -> Loop:
    """Snares of two bars 10 and 20 ticks late on the second beat, velocities 90 and 110; a hat on time."""
    return Loop("drums", Notes.from_rows([(490, 40, SNARE, 90), (2420, 40, SNARE, 110), (0, 40, HAT, 60)]), 2)


def test_extract_means_by_role_and_slot():
    # slot 4 of sixteen is beat 2: (10 + 20) / 2 = 15 ticks late, (90 + 110) / 2 = 100 loud
    groove = extract_groove([late_snare()], "late")
    assert groove.offset_tick["snare"][4] == 15.0
    assert groove.velocity["snare"][4] == 100.0
    assert groove.offset_tick["closed_hat"][0] == 0.0
    assert groove.offset_tick["snare"][0] is None
    assert groove.offset_tick["all"][4] == 15.0


def test_apply_draws_part_of_the_way():
    groove = extract_groove([late_snare()], "late")
    straight = Loop("drums", Notes.from_rows([(480, 40, SNARE, 80), (960, 40, SNARE, 80)]), 1)
    half = apply_groove(straight, groove, timing=0.4, dynamics=0.5)
    # 480 + 0.4 * 15 = 486, 80 + 0.5 * 20 = 90; slot 8 was not heard, so the second note stays
    assert half.notes.rows() == [(486, 40, SNARE, 90), (960, 40, SNARE, 80)]


def test_a_role_that_was_not_heard_takes_the_row_of_all():
    groove = extract_groove([late_snare()], "late")
    kick = Loop("drums", Notes.from_rows([(480, 40, 36, 80)]), 1)
    assert apply_groove(kick, groove).notes.rows() == [(495, 40, 36, 100)]


def test_swing_travels_with_the_groove():
    swung = apply_swing(rock_loop(), 2.0)
    groove = extract_groove([swung], "swung", grid="8")
    assert apply_groove(rock_loop(), groove).notes.onset_tick.tolist() == swung.notes.onset_tick.tolist()


@given(layered_loops())
def test_nothing_at_zero_and_idempotent_at_one(loop):
    groove = extract_groove([late_snare()], "late")
    assert apply_groove(loop, groove, 0.0, 0.0).notes == loop.notes
    once = apply_groove(loop, groove)
    assert np.abs(apply_groove(once, groove).notes.onset_tick - once.notes.onset_tick).max() == 0


def test_a_template_reads_back_and_refuses_strangers():
    groove = extract_groove([late_snare()], "late")
    data = json.loads(json.dumps(groove.to_json()))
    assert GrooveTemplate.from_json(data) == groove
    for broken in (
        {**data, "tempo": 120},
        {key: data[key] for key in ("name", "meter")},
        {**data, "offset_tick": {"snare": ["late"] * 16}},
        {**data, "offset_tick": {"snare": [0.0]}},
        {**data, "offset_tick": {"gong": [0.0] * 16}},
    ):
        with pytest.raises(InvalidValue):
            GrooveTemplate.from_json(broken)


def test_metres_must_agree():
    groove = extract_groove([late_snare()], "late")
    waltz = Loop("drums", Notes.from_rows([(0, 40, SNARE, 80)]), 1, meter=Meter(3, 4))
    with pytest.raises(InvalidValue):
        apply_groove(waltz, groove)
    with pytest.raises(InvalidValue):
        extract_groove([late_snare(), waltz], "mixed")
    with pytest.raises(InvalidValue):
        extract_groove([], "empty")
