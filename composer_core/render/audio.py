"""Loops and songs as audio: the request that makes them, checked before anything is played."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from composer_core.errors import NotFound, RenderError, StoreError, require_choice
from composer_core.music.bends import bend_values
from composer_core.music.drum_maps import GENERAL_MIDI
from composer_core.music.drums import to_general_midi
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.music.loop import Loop, Notes, check_loop
from composer_core.render.repeats import NoteRow
from composer_core.render.request import FORMATS, RenderRequest
from composer_core.render.soundfont import SoundFontChoice
from composer_core.render.timeline import BEND, BLOCK_FRAMES, SAMPLE_RATE, Clock, PlayedPart, play_events, tempo_map
from composer_core.store.atomic import atomic_writer
from composer_core.store.damage import Stamp, stamp_of

_log = logging.getLogger(__name__)

NAME_PATTERN = re.compile(r"[0-9a-f]{40}\.(flac|wav)")
_ABANDONED_SEC = 3600.0
MAX_LENGTH_SEC = 600.0
PASSES = 3
TD11_ONLY = (22, 26)
CROSSFADE_FRAMES = round(0.008 * SAMPLE_RATE)
PADDING_FRAMES = round(0.050 * SAMPLE_RATE)
RELEASE_FRAMES = 4 * SAMPLE_RATE
_SYNTH_CHANNELS = 256
TempoMap = Sequence[tuple[int, float]]
"""(tick, bpm), sorted, the first at tick 0."""


_heard: dict[Path, Stamp | None] = {}
"""Files of the cache that were decoded, with what they were then."""


def check_audio(path: Path) -> None:
    """Decode a file of the cache; StoreError when it is damaged."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            promised = sound.frames
            found = sum(len(block) for block in sound.blocks(SAMPLE_RATE, dtype="int16"))
    except (OSError, RuntimeError) as error:
        raise StoreError("damaged_store", path=str(path), reason=str(error)) from error
    if found != promised or not found:
        raise StoreError("damaged_store", path=str(path), reason=f"{found} of {promised} samples")


class AudioCache:
    """Files named by content hash in `folder`, at most `limit_bytes` together (one file may always stay)."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes

    def find(self, name: str) -> Path | None:
        """The file of this name, marked as just used; None when it is not there."""
        path = self.path(name)
        if not path.is_file() or not self._sounds(path):
            return None
        try:
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            pass  # a cache that can only be read still plays
        _heard[path] = stamp_of(path)
        return path

    def _sounds(self, path: Path) -> bool:
        """Whether the file can be decoded, which is tried once a process; one that cannot is rendered again."""
        stamp = stamp_of(path)
        if _heard.get(path) == stamp:
            return True
        try:
            check_audio(path)
        except StoreError:
            _log.warning("a damaged file of the audio cache is rendered again")
            path.unlink(missing_ok=True)
            return False
        _heard[path] = stamp
        return True

    def path(self, name: str) -> Path:
        """Where a file of this name lies, present or not; NotFound unless it is a content-hash name."""
        if not NAME_PATTERN.fullmatch(name):
            raise NotFound("path_missing", path=name)
        return self.folder / name

    def put(self, name: str, write: Callable[[IO[bytes]], object]) -> Path:
        """Write a file whole or not at all, then make room; StoreError when it cannot be written."""
        path = self.path(name)
        with atomic_writer(path) as stream:
            write(stream)
        _heard[path] = stamp_of(path)
        self.make_room(keep=name)
        return path

    def make_room(self, keep: str = "") -> None:
        """Delete the least recently used files beyond the limit, and remains of interrupted writes."""
        files = []
        for path in self.folder.iterdir():
            status = _status(path)
            if status is None:
                continue
            if NAME_PATTERN.fullmatch(path.name):
                files.append((path.name == keep, status.st_mtime, status.st_size, path))
            elif path.name.startswith(".") and time.time() - status.st_mtime > _ABANDONED_SEC:
                path.unlink(missing_ok=True)
        total = sum(size for _, _, size, _ in files)
        n_removed = 0
        for kept, _, size, path in sorted(files):
            if kept or total <= self.limit_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
            n_removed += 1
        if n_removed:
            _log.info("audio cache: %d files removed, %.1f MB left", n_removed, total / 1e6)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another process made room at the same moment
        return None


def loop_request(loop: Loop, soundfont: SoundFontChoice, file_format: str = "flac") -> RenderRequest:
    """A loop as audio that repeats without a seam; see `seamless_request`. InvalidValue for broken notes."""
    return mix_request([loop], soundfont, file_format)


def mix_request(
    loops: Sequence[Loop], soundfont: SoundFontChoice, file_format: str = "flac", padding_frames: int = PADDING_FRAMES
) -> RenderRequest:
    """Loops of one tempo and length sounding together, as `loop_request` of one; no padding gives exactly the loop."""
    parts = []
    channels = iter(channel for channel in range(_SYNTH_CHANNELS) if channel != DRUM_CHANNEL)
    for loop in loops:
        check_loop(loop)
        bends = [(tick, BEND, value & 0x7F, value >> 7) for tick, value in bend_values(loop)]
        channel = DRUM_CHANNEL if loop.is_drums else next(channels)
        rows = heard_rows(loop.notes, loop.drum_map if loop.is_drums else None)
        parts.append(PlayedPart(channel, loop.program, loop.is_drums, rows, bends))
    first = loops[0]
    what = first.track_name or first.source or first.instrument
    request = seamless_request(what, soundfont, parts, tempo_map(first), first.length_tick, file_format)
    return replace(request, padding_frames=padding_frames)


def heard_rows(notes: Notes, drum_map: str | None) -> list[NoteRow]:
    """Notes as the synth shall play them: those of a kit's own map moved to General MIDI's keys; None for no kit.

    In General MIDI's map a Roland TD-11 is known by the hi-hat's edge (22 and 26), where General MIDI has nothing to
    sound; only then are its other keys (40, 58) not what General MIDI says they are.
    """
    if drum_map is not None and (drum_map != GENERAL_MIDI or np.isin(notes.pitch, TD11_ONLY).any()):
        notes = notes.with_columns(pitch=to_general_midi(notes.pitch, drum_map))
    return notes.rows()


def seamless_request(
    what: str,
    soundfont: SoundFontChoice,
    parts: Sequence[PlayedPart],
    tempos: TempoMap,
    length_tick: int,
    file_format: str = "flac",
) -> RenderRequest:
    """Three passes played back to back, the middle one kept: tails of the end ring into the beginning.

    The file holds the pass (rounded to whole frames) and 50 ms more of its own beginning;
    a player jumps back at exactly the musical length. Raises RenderError without notes or
    beyond ten minutes.
    """
    require_choice("format", file_format, FORMATS)
    seconds = Clock(tempos).sec(length_tick)
    _check(what, seconds, parts)
    length_frames = round(seconds * SAMPLE_RATE)
    # The middle pass starts on a block of the synth, so that its downbeat is exact.
    lead_frames = -length_frames % BLOCK_FRAMES
    return RenderRequest(
        what=what,
        soundfont=soundfont.identity,
        events=play_events(parts, tempos, length_tick, PASSES, lead_frames),
        start_frame=lead_frames + length_frames,
        length_frames=length_frames,
        # Early notes of the third pass sound in the second; nothing after it is heard, or computed.
        total_frames=lead_frames + 2 * length_frames,
        crossfade_frames=CROSSFADE_FRAMES,
        padding_frames=PADDING_FRAMES,
        file_format=file_format,
    )


def once_request(
    what: str,
    soundfont: SoundFontChoice,
    parts: Sequence[PlayedPart],
    tempos: TempoMap,
    length_tick: int,
    file_format: str = "flac",
) -> RenderRequest:
    """Parts played once from start to end, then up to 4 s in which they ring out. Raises as `seamless_request`."""
    require_choice("format", file_format, FORMATS)
    seconds = Clock(tempos).sec(length_tick)
    _check(what, seconds, parts)
    length_frames = round(seconds * SAMPLE_RATE)
    return RenderRequest(
        what=what,
        soundfont=soundfont.identity,
        events=play_events(parts, tempos, length_tick, passes=1),
        start_frame=0,
        length_frames=length_frames,
        total_frames=length_frames + RELEASE_FRAMES,
        trim_tail=True,
        file_format=file_format,
    )


def _check(what: str, seconds: float, parts: Sequence[PlayedPart]) -> None:
    # Before anything is played: a file of 54 bytes can last for years.
    if seconds > MAX_LENGTH_SEC:
        raise RenderError("render_too_long", what=what, seconds=seconds, limit=MAX_LENGTH_SEC)
    if not any(len(part.rows) for part in parts):
        raise RenderError("render_silent", what=what, reason="it holds no notes")
