"""Piano rolls of loops: one large figure, and miniatures for lists."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from composer_core.music.loop import Loop
from studio.figures.loop_rows import LoopRows, loop_rows
from studio.wording.text import t

WIDTH, GUTTER, ROW, MOST_HEIGHT = 420, 62, 13, 190
_NOTES = "#7a6af0"
_LINES = "#8a8798"
"""Both stand out on the light and on the dark ground: a picture cannot follow the theme."""
_PITCHES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
WIDTH, HEIGHT = 260, 84
"""Both stand out on the light and on the dark ground: a picture cannot follow the theme."""


def pitch_name(pitch: int) -> str:
    """A MIDI note as its name and octave, middle C (60) being C4."""
    return f"{_PITCHES[pitch % 12]}{pitch // 12 - 1}"


def roll(loop: Loop, chords: Sequence[str] = ()) -> str:
    """An SVG of the loop; `chords` are symbols to write above, one a bar ("" for none)."""
    rows = loop_rows(loop)
    row_height = min(float(ROW), MOST_HEIGHT / rows.count)
    top = 26 if any(chords) else 14
    height = top + rows.count * row_height
    parts = [*_rows(rows, row_height, top), *_bars(loop, chords, top, height)]
    span = WIDTH - GUTTER
    for (onset, duration, _, velocity), row in zip(loop.notes.rows(), rows.of_note, strict=True):
        left = GUTTER + (onset % loop.length_tick) / loop.length_tick * span
        wide = 4.0 if loop.is_drums else max(2.0, duration / loop.length_tick * span - 0.6)
        parts.append(
            f'<rect x="{left:.1f}" y="{top + (row + 0.12) * row_height:.1f}" '
            f'width="{min(wide, WIDTH - left):.1f}" height="{max(1.4, row_height * 0.76):.1f}" rx="1.2" '
            f'fill="{_NOTES}" opacity="{0.3 + velocity / 182:.2f}"/>'
        )
    box = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.1f}"'
    font = "font-family=\"'Source Sans','Noto Sans CJK JP',sans-serif\""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>{"".join(parts)}</svg>'


def _rows(rows: LoopRows, height: float, top: float) -> list[str]:
    parts = []
    for row in range(rows.count):
        y = top + row * height
        if row % 2:
            parts.append(_rect(GUTTER, y, WIDTH - GUTTER, height, 0.1))
        name = _row_name(rows, row)
        if name:
            size = min(10.0, height + (3 if rows.roles is None else -1))
            place = f'x="{GUTTER - 6}" y="{y + 0.5 * height + 0.36 * size:.1f}" text-anchor="end"'
            parts.append(f'<text {place} font-size="{size:.1f}" fill="{_LINES}">{escape(name)}</text>')
    return parts


def _row_name(rows: LoopRows, row: int) -> str:
    """Every drum role; of a piano roll's rows the Cs and Gs."""
    if rows.roles is not None:
        return t(f"role.{rows.roles[row]}")
    pitch = rows.top_pitch - row
    return pitch_name(pitch) if pitch % 12 in (0, 7) else ""


def _rect(x: float, y: float, width: float, height: float, opacity: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{_LINES}" opacity="{opacity}"/>'


def _bars(loop: Loop, chords: Sequence[str], top: float, height: float) -> list[str]:
    beats = loop.length_tick // loop.meter.beat_tick
    beats_a_bar = loop.meter.bar_tick // loop.meter.beat_tick
    parts = []
    for beat in range(beats + 1):
        x = GUTTER + beat / beats * (WIDTH - GUTTER)
        strong = beat % beats_a_bar == 0
        parts.append(_rect(min(x, WIDTH - 0.8), top, 0.8, height - top, 0.75 if strong else 0.25))
        if strong and beat < beats:
            bar = beat // beats_a_bar
            parts.append(
                f'<text x="{x + 3:.1f}" y="10" font-size="9" fill="{_LINES}">{loop.start_bar + bar + 1}</text>'
            )
            if bar < len(chords) and chords[bar]:
                parts.append(
                    f'<text x="{x + 3:.1f}" y="22" font-size="11" font-weight="600" fill="{_NOTES}">'
                    f"{escape(chords[bar])}</text>"
                )
    return parts


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
