"""Sample arithmetic on stereo float32 audio of shape (frames, 2): loops without a seam, tails without silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

StereoArray = NDArray[np.float32]
CEILING = 0.97
"""Highest sample allowed (1.0 is full scale): a louder piece is turned down as a whole."""
SILENCE = 10.0 ** (-80 / 20)
"""Peaks below -80 dB of full scale count as silence."""
TAIL_SILENCE = 10.0 ** (-66 / 20)


def seamless(lead_in: StereoArray, kept: StereoArray, padding_frames: int) -> StereoArray:
    """Make `kept` loop: its last frames fade linearly into `lead_in`, then its beginning follows again.

    `lead_in` is what sounded just before `kept` began, so after the fade the last frame is
    the true neighbour of the first. The start is left alone: a downbeat's attack stays
    whole. A fade longer than `kept` is shortened. Shape (len(kept) + padding_frames, 2).
    """
    n_fade = min(len(lead_in), len(kept))
    result = kept[np.arange(len(kept) + padding_frames) % len(kept)]
    if n_fade:
        weight = np.linspace(0.0, 1.0, n_fade + 1, dtype=np.float32)[1:, None]
        end = slice(len(kept) - n_fade, len(kept))
        result[end] = kept[end] * (1.0 - weight) + lead_in[-n_fade:] * weight
    return result


def without_silent_tail(audio: StereoArray, length_frames: int) -> StereoArray:
    """Cut what lies below -66 dB at the end, but never before `length_frames`."""
    loud = np.flatnonzero(np.abs(audio[length_frames:]).max(axis=1) > TAIL_SILENCE)
    return audio[: length_frames + (int(loud[-1]) + 1 if len(loud) else 0)]


def turned_down(audio: StereoArray) -> StereoArray:
    """The audio, scaled to the ceiling when it would clip. Quieter audio keeps its level: dynamics mean something."""
    peak = peak_of(audio)
    return audio if peak <= CEILING else audio * np.float32(CEILING / peak)


def peak_of(audio: StereoArray) -> float:
    """Largest magnitude; 0.0 for no frames."""
    return float(np.abs(audio).max()) if audio.size else 0.0
