"""What tests of audio share: loops that are easy to hear, and measurements on samples."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from composer_core.music.loop import Loop, Notes
from composer_core.render.audio import loop_request
from composer_core.render.client import shared_renderer
from composer_core.render.soundfont import choose_soundfont

SAMPLE_RATE = 44_100
KICK, SNARE, HAT = 36, 38, 42


def four_kicks(**fields) -> Loop:
    """One bar of 4/4 with a kick on every beat."""
    rows = [(480 * beat, 120, KICK, 110) for beat in range(4)]
    return Loop("drums", Notes.from_rows(rows), **{"bars": 1, **fields})


def backbeat(**fields) -> Loop:
    """Four bars of rock drums in eighths."""
    rows = [(240 * i, 100, HAT, 80) for i in range(32)]
    rows += [(960 * i, 100, KICK, 110) for i in range(8)] + [(960 * i + 480, 100, SNARE, 100) for i in range(8)]
    return Loop("drums", Notes.from_rows(rows), **{"bars": 4, **fields})


def held_strings(**fields) -> Loop:
    """One bar of a held chord, sounding up to the bar line."""
    rows = [(0, 1920, pitch, 90) for pitch in (48, 55, 64)]
    return Loop("strings", Notes.from_rows(rows), **{"bars": 1, "program": 48, **fields})


def rendered(loop: Loop, file_format: str = "flac") -> bytes:
    """The audio file of a loop, made by this process's renderer."""
    data = io.BytesIO()
    shared_renderer().render(loop_request(loop, choose_soundfont(), file_format), data.write)
    return data.getvalue()


def decoded(data: bytes) -> np.ndarray:
    """Samples of a file, shape (frames, 2)."""
    samples, rate = soundfile.read(io.BytesIO(data), always_2d=True)
    assert rate == SAMPLE_RATE
    return samples


def rms(samples: np.ndarray) -> float:
    """Root mean square over all channels."""
    return float(np.sqrt(np.mean(samples**2)))


def played_in_a_loop(samples: np.ndarray, loop_sec: float, rate: int, seconds: float) -> np.ndarray:
    """What a browser plays: positions wrap at exactly loop_sec, samples between frames interpolated linearly."""
    position = (np.arange(round(seconds * rate)) / rate % loop_sec) * SAMPLE_RATE
    frame = position.astype(int)
    share = (position - frame)[:, None]
    return samples[frame] * (1 - share) + samples[frame + 1] * share
