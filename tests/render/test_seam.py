"""Sample arithmetic on tiny arrays."""

from __future__ import annotations

import numpy as np

from composer_core.render.seam import CEILING, peak_of, seamless, turned_down, without_silent_tail


def stereo(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, dtype=np.float32)[:, None], 2, axis=1)


def test_the_end_fades_into_what_preceded_the_start():
    # Two frames of fade: weights 1/2 and 1. Frame 2: 0.5 * 0.4 + 0.5 * 0.8 = 0.6; frame 3: 0.9.
    result = seamless(stereo(0.8, 0.9), stereo(0.1, 0.2, 0.4, 0.4), padding_frames=0)
    np.testing.assert_allclose(result[:, 0], [0.1, 0.2, 0.6, 0.9], atol=1e-7)


def test_padding_goes_on_with_the_beginning_and_wraps_when_it_is_longer_than_the_loop():
    result = seamless(stereo(), stereo(0.1, 0.2), padding_frames=5)
    np.testing.assert_allclose(result[:, 0], [0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1], atol=1e-7)


def test_a_fade_longer_than_the_loop_is_shortened():
    result = seamless(stereo(0.5, 0.6, 0.7), stereo(0.1), padding_frames=0)
    np.testing.assert_allclose(result[:, 0], [0.7], atol=1e-7)


def test_silent_tail_is_cut_but_not_the_music():
    audio = stereo(0.0, 0.5, 0.0, 0.1, 0.0, 1e-4, 0.0)
    assert len(without_silent_tail(audio, 2)) == 4
    assert len(without_silent_tail(audio, 6)) == 6
    assert len(without_silent_tail(audio, 7)) == 7


def test_only_what_would_clip_is_turned_down():
    quiet, loud = stereo(0.1, -0.5), stereo(0.5, -2.0)
    assert turned_down(quiet) is quiet
    np.testing.assert_allclose(turned_down(loud)[:, 0], [0.5 * CEILING / 2, -CEILING], rtol=1e-6)
    assert peak_of(stereo()) == 0.0
