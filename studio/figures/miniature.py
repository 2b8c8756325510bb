"""A loop as a small picture of its notes."""

from __future__ import annotations

from composer_core.music.loop import Loop
from studio.figures.loop_rows import loop_rows

WIDTH, HEIGHT = 260, 84
_NOTES = "#7a6af0"
_LINES = "#8a8798"
"""Both stand out on the light and on the dark ground: a picture cannot follow the theme."""


def miniature(*loops: Loop, height: int = HEIGHT) -> str:
    """An SVG of a loop's notes over its bars and beats, a lane each for several; numbers only, so nothing in it
    needs escaping."""
    first = loops[0]
    lane_height = height / len(loops)
    parts = [_beat_line(first, beat, height) for beat in range(first.length_tick // first.meter.beat_tick + 1)]
    for lane, loop in enumerate(loops):
        parts += _notes_of(loop, lane * lane_height, lane_height)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def _notes_of(loop: Loop, top: float, height: float) -> list[str]:
    rows = loop_rows(loop)
    row_height = height / rows.count
    parts = []
    for (onset, duration, _, velocity), row in zip(loop.notes.rows(), rows.of_note, strict=True):
        left = (onset % loop.length_tick) / loop.length_tick * WIDTH
        strength = 0.3 + velocity / 182
        wide = 2.6 if loop.is_drums else max(1.5, duration / loop.length_tick * WIDTH - 0.5)
        parts.append(
            f'<rect x="{left:.1f}" y="{top + (row + 0.15) * row_height:.1f}" width="{wide:.1f}" '
            f'height="{max(1.2, row_height * 0.7):.1f}" rx="0.8" fill="{_NOTES}" opacity="{strength:.2f}"/>'
        )
    return parts


def _beat_line(loop: Loop, beat: int, height: int) -> str:
    left = beat * loop.meter.beat_tick / loop.length_tick * WIDTH
    opacity = 0.7 if beat * loop.meter.beat_tick % loop.meter.bar_tick == 0 else 0.25
    return f'<rect x="{left:.1f}" y="0" width="0.7" height="{height}" fill="{_LINES}" opacity="{opacity}"/>'
