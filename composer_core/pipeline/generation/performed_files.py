"""Any MIDI file played by the performers: notes, programs and tempos stay, velocity and timing are new."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from composer_core.errors import require_range
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM
from composer_core.pipeline.editing.song_files import Edited, edit_file
from composer_core.pipeline.models import performer
from composer_core.rules import perform
from composer_core.tokens.snap import snap_loop

CHUNK_BARS = 8
"""Bars the performer sees at once."""


@dataclass(slots=True)
class PlayedFile:
    """What was written. `merged` counts notes that fell together on the grid (flams, fast rolls); `unplayed`
    parts whose instrument has no performer, `velocity_only` those whose performer knows no timing."""

    edited: Edited
    merged: int = 0
    unplayed: Counter[str] = field(default_factory=Counter)
    velocity_only: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """What a person should know of the result."""
        lines = []
        if self.merged:
            lines.append(f"{self.merged} notes fell on the slot of another of their pitch and are not in the result.")
        for name in self.unplayed:
            lines.append(f"{name}: no performer for this instrument; its parts are unchanged.")
        for name in self.velocity_only:
            lines.append(f"{name}: its performer learned from sequenced music: new velocities, the grid's timing.")
        return [*lines, *(notice.message for notice in self.edited.notices)]

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "path": str(self.edited.path),
            "parts": self.edited.n_parts,
            "notes_before": self.edited.n_notes_before,
            "notes_after": self.edited.n_notes_after,
            "merged": self.merged,
            "unplayed": sorted(self.unplayed),
            "velocity_only": sorted(self.velocity_only),
            "lost_texts": 0,
            "lost": [notice.code for notice in self.edited.lost],
            "notices": [notice.message for notice in self.edited.notices],
        }


def perform_file(source: Path, out: Path, *, humanise_percent: float = 100.0, seed: int = 0) -> PlayedFile:
    """Play every part of a MIDI file and write it whole or not at all.

    Each part is snapped to its grid and its swing measured; the performer gives velocities and offsets, the
    rules bring the same swing back. RefusedFile for a file that is no readable MIDI, InvalidValue for
    `humanise_percent` outside 0 to 100.
    """
    require_range("humanise", humanise_percent, 0.0, 100.0, " %")
    found = PlayedFile(Edited(out, 0, 0, 0))
    found.edited = edit_file(source, out, lambda loop: _play(loop, humanise_percent, seed, found))
    return found


def _play(loop: Loop, humanise_percent: float, seed: int, found: PlayedFile) -> Loop:
    player = performer(loop.instrument)
    if player is None:
        found.unplayed[loop.instrument] += 1
        return loop
    if not player.network.config.timing:
        found.velocity_only[loop.instrument] += 1
    snap = snap_loop(loop)
    found.merged += snap.n_dropped
    grid = snap.loop
    velocity, offset_ms = np.zeros(len(grid.notes)), np.zeros(len(grid.notes))
    _, arousal = estimate_affect(measure(loop), loop.instrument)
    chunk = grid.notes.onset_tick // (CHUNK_BARS * grid.meter.bar_tick)
    for number in np.unique(chunk):
        index = np.flatnonzero(chunk == number)
        velocity[index], offset_ms[index] = player.perform_part(
            grid, index, tempo_bpm=loop.tempo_bpm, genre={}, arousal=arousal, seed=seed + int(number)
        )
    # The performer reads General MIDI's notes; the file's kit keeps its own.
    own = loop.notes.pitch[snap.source]
    order = np.lexsort((own, grid.notes.onset_tick))
    grid = grid.with_notes(grid.notes.with_columns(velocity=velocity, pitch=own), extra=loop.extra)
    played = perform(
        grid,
        offset_ms[order],
        tempo_bpm=float(np.clip(loop.tempo_bpm, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM)),
        swing_ratio=snap.swing_ratio,
        swing_grid=snap.swing_grid,
        humanise_percent=humanise_percent,
        short_note_floor_ms=0.0,
    )
    return loop.with_notes(played.loop.notes)
