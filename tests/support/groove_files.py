"""A few small MIDI files with a plain beat, enough to train something on."""

from __future__ import annotations

from pathlib import Path

from composer_core.music.loop import Loop, Notes
from composer_core.render.midi import loop_to_midi

HAT, KICK, SNARE = 42, 36, 38


def write_grooves(folder: Path, files: int = 3) -> Path:
    """Eight bars of eighths, kick on one and snare on two, a little louder in each file."""
    folder.mkdir()
    for index in range(files):
        beat = [(step * 240, 60, HAT, 80 + index) for step in range(64)]
        beat += [(bar * 1920, 60, KICK, 100) for bar in range(8)] + [
            (bar * 1920 + 480, 60, SNARE, 95) for bar in range(8)
        ]
        (folder / f"beat{index}.mid").write_bytes(loop_to_midi(Loop("drums", Notes.from_rows(beat), bars=8)))
    return folder
