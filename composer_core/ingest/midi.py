"""MIDI bytes -> Song, or a refusal with its reason.

A successful parse is not a usable score: after either reader our own gate checks what a
song may hold (resolution 1 to 32767, onset >= 0, duration > 0, pitch 0 to 127, velocity 1
to 127, tempo 5 to 1000 BPM or repaired, denominator 1 to 64, at most 2 million events and
120 minutes). Decisions on odd files: SMPTE time is refused, for nothing in it can be placed
on a beat; the tracks of a type 2 file are read as parts of one song; a track count in the
header that differs from the tracks found is corrected; events about tempo, metre or key
whose length is impossible are left out; a tempo of 0 is left out and tempos out of range
are brought to the nearest bound; a metre that no loop can hold is refused. See `readers`
for notes. Texts are decoded from the raw bytes, see `texts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import RefusedFile
from composer_core.ingest.chunks import MAX_FILE_BYTES, Layout, read_layout, unwrap_riff
from composer_core.ingest.events import (
    META_INSTRUMENT,
    META_KEY,
    META_LYRIC,
    META_MARKER,
    META_METER,
    META_SEQUENCE,
    META_SMPTE_OFFSET,
    META_TEMPO,
    META_TRACK_NAME,
    TrackEvents,
    for_readers,
    walk_track,
)
from composer_core.ingest.hanging import may_be_wrapped, shorten_late_notes, track_end_tick, with_note_offs
from composer_core.ingest.parts import gather_parts
from composer_core.ingest.readers import RawScore, place_tracks, read_lenient, read_strict
from composer_core.ingest.song import Song, seconds_at
from composer_core.ingest.texts import decode_text, short_name
from composer_core.ingest.warnings import FileWarning
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.music.timing import COMMON_TIME, MAX_TEMPO_BPM, MIN_TEMPO_BPM, TICKS_PER_QUARTER, Meter

MAX_EVENTS = 2_000_000
MAX_MINUTES = 120
MAX_BARS = 100_000
DEFAULT_BPM = 120.0
_META_LENGTHS = {META_TEMPO: (3,), META_METER: (4, 5), META_KEY: (2,), META_SEQUENCE: (0, 2), META_SMPTE_OFFSET: (5,)}
_HARMLESS_META = 0x7F
_TEXT_KINDS = (META_LYRIC, META_MARKER)


@dataclass(slots=True)
class _Reading:
    """One file on its way from bytes to Song."""

    path: str
    data: bytes
    layout: Layout
    walks: list[TrackEvents]
    warnings: list[FileWarning] = field(default_factory=list)

    def warn(self, code: str, **values: Any) -> None:
        """Add a warning about this file: a code of WARNINGS and what its sentence needs."""
        self.warnings.append(FileWarning(code, self.path, values))


def read_song(data: bytes, name: str) -> Song:
    """Read a MIDI file (also in a RIFF container) from its bytes.

    `name` is what messages and `Song.name` call it. Raises RefusedFile with a code of the
    closed list; a song without notes is accepted with a warning.
    """
    if len(data) > MAX_FILE_BYTES:
        raise RefusedFile("too_large", path=name, size=len(data), limit=MAX_FILE_BYTES)
    data = unwrap_riff(data, name)
    layout = read_layout(data, name)
    reading = _Reading(name, data, layout, [walk_track(data, *bounds) for bounds in layout.tracks])
    _repair(reading)
    return _gate(_read(reading), reading)


def _repair(reading: _Reading) -> None:
    """Correct the track count and disarm meta events of impossible length, in a copy."""
    found = len(reading.layout.tracks)
    odd = [meta for walk in reading.walks for meta in walk.metas if not _length_fits(meta.kind, meta.end - meta.start)]
    if reading.layout.kind == 2:
        reading.warn("independent_tracks")
    if any(walk.trailing for walk in reading.walks):
        reading.warn("after_end")
    if reading.layout.promised == found and not odd:
        return
    patched = bytearray(reading.data)
    if reading.layout.promised != found:
        reading.warn("track_count", promised=reading.layout.promised, found=found)
        patched[10:12] = min(found, 0xFFFF).to_bytes(2, "big")
    if odd:
        reading.warn("odd_meta", count=len(odd))
    for meta in odd:
        patched[meta.type_at] = _HARMLESS_META
    reading.data = bytes(patched)


def _length_fits(kind: int, length: int) -> bool:
    return kind not in _META_LENGTHS or length in _META_LENGTHS[kind]


def _read(reading: _Reading) -> RawScore:
    reading.data = for_readers(reading.data, reading.walks)
    try:
        score = read_strict(reading.data)
    except (RuntimeError, ValueError) as error:
        score = read_lenient(reading.data, reading.path)
        if score.n_closed:
            reading.warn("notes_closed", count=score.n_closed)
        reading.warn("lenient_reader", reason=str(error).removeprefix("MiniMidi: ").split("\n")[0])
        _name_tracks(score, _track_names(reading))
        return score
    names = _track_names(reading)
    if not all(walk.whole for walk in reading.walks) or place_tracks(score, reading.walks, names):
        return score
    return _read_hanging(score, reading, names)


def _read_hanging(strict: RawScore, reading: _Reading, names: list[str]) -> RawScore:
    """Read once more with note-offs for the notes that never end."""
    try:
        score = read_strict(with_note_offs(reading.data, reading.layout, reading.walks))
        placed = place_tracks(score, reading.walks, names)
    except (RuntimeError, ValueError):
        placed = False
    if not placed:
        n_read = sum(track.columns.shape[1] for track in strict.tracks)
        reading.warn("notes_dropped", count=sum(walk.note_ons.total() for walk in reading.walks) - n_read)
        return strict
    reading.warn("notes_closed", count=shorten_late_notes(score, reading.layout.resolution))
    return score


def _name_tracks(score: RawScore, names: list[str]) -> None:
    for track in score.tracks:
        if track.track < len(names) and names[track.track]:
            track.name = names[track.track]


def _track_names(reading: _Reading) -> list[str]:
    """One name a track chunk: its last track name event, else its instrument name."""
    names = []
    for walk in reading.walks:
        named = {meta.kind: reading.data[meta.start : meta.end] for meta in walk.metas}
        names.append(short_name(named.get(META_TRACK_NAME) or named.get(META_INSTRUMENT) or b""))
    return names


def _texts(reading: _Reading) -> tuple[str, ...]:
    metas = (meta for walk in reading.walks for meta in walk.metas if meta.kind in _TEXT_KINDS)
    return tuple(decode_text(reading.data[meta.start : meta.end]) for meta in metas)


def _gate(score: RawScore, reading: _Reading) -> Song:
    """Check and convert to canonical ticks."""
    resolution = reading.layout.resolution
    _check_counts(score, reading.path)
    _check_notes(score, reading.path)
    meters = _meter_map(score, resolution, reading.path)
    tempo_tick, tempo_bpm = _tempo_map(score, reading)
    # How long a drum note rings means nothing, so only pitched ones are worth a word.
    pitched = [track for track in score.tracks if track.channel != DRUM_CHANNEL]
    n_zero = sum(int((track.columns[1] == 0).sum()) for track in pitched)
    if n_zero:
        reading.warn("zero_length", count=n_zero)
    parts = gather_parts(score, resolution)
    _check_length(parts, meters, tempo_tick, tempo_bpm, reading.path)
    if not parts:
        reading.warn("no_notes")
    warnings = tuple(reading.warnings)
    ends = _end_tick(reading, resolution) if may_be_wrapped(parts, meters[0][1]) else None
    return Song(reading.path, parts, tempo_tick, tempo_bpm, meters, resolution, _texts(reading), warnings, ends)


def _end_tick(reading: _Reading, resolution: int) -> int | None:
    """Latest End of Track in canonical ticks; None where a track holds bytes that are no event."""
    if not all(walk.whole for walk in reading.walks):
        return None
    return _canonical(max(track_end_tick(reading.data, *bounds) for bounds in reading.layout.tracks), resolution)


def _check_counts(score: RawScore, path: str) -> None:
    count = sum(track.columns.shape[1] for track in score.tracks) + len(score.tempos) + len(score.meters)
    if count > MAX_EVENTS:
        raise RefusedFile("too_many_events", path=path, count=count, limit=MAX_EVENTS)


def _check_notes(score: RawScore, path: str) -> None:
    bounds = (("an onset", 0, 2**62), ("a duration", 0, 2**62), ("a pitch", 0, 127), ("a velocity", 1, 127))
    for track in score.tracks:
        extremes = zip(bounds, track.columns.min(axis=1).tolist(), track.columns.max(axis=1).tolist(), strict=True)
        for (what, low, high), least, most in extremes:
            if least < low or most > high:
                raise RefusedFile("bad_value", path=path, what=what, value=least if least < low else most)
        if track.program is not None and not 0 <= track.program <= 127:
            raise RefusedFile("bad_value", path=path, what="a program", value=track.program)


def _meter_map(score: RawScore, resolution: int, path: str) -> tuple[tuple[int, Meter], ...]:
    meters: dict[int, Meter] = {0: COMMON_TIME}
    for tick, numerator, denominator in score.meters:
        if not 1 <= numerator <= 255 or denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise RefusedFile("bad_meter", path=path, value=f"{numerator}/{denominator}")
        if tick < 0:
            raise RefusedFile("bad_value", path=path, what="a change of metre", value=tick)
        meters[_canonical(tick, resolution)] = Meter(numerator, denominator)
    return tuple(sorted(meters.items(), key=lambda item: item[0]))


def _tempo_map(score: RawScore, reading: _Reading) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    tempos = {0: DEFAULT_BPM}
    n_repaired = 0
    for tick, microseconds in score.tempos:
        if tick < 0:
            raise RefusedFile("bad_value", path=reading.path, what="a change of tempo", value=tick)
        bpm = 60e6 / microseconds if microseconds > 0 else 0.0
        possible = min(max(bpm, MIN_TEMPO_BPM), MAX_TEMPO_BPM)
        n_repaired += possible != bpm
        if bpm:
            tempos[_canonical(tick, reading.layout.resolution)] = possible
    if n_repaired:
        reading.warn("tempo_repaired", count=n_repaired)
    changes: list[tuple[int, float]] = []
    for tick in sorted(tempos):
        if not changes or changes[-1][1] != tempos[tick]:
            changes.append((tick, tempos[tick]))
    return np.array([tick for tick, _ in changes]), np.array([bpm for _, bpm in changes])


def _check_length(
    parts: tuple[Any, ...],
    meters: tuple[tuple[int, Meter], ...],
    tempo_tick: NDArray[np.int64],
    tempo_bpm: NDArray[np.float64],
    path: str,
) -> None:
    if not parts:
        return
    end_tick = max(int((p.notes.onset_tick.astype(np.int64) + p.notes.duration_tick).max()) for p in parts)
    minutes = float(seconds_at(np.array([end_tick]), tempo_tick, tempo_bpm)[0]) / 60.0
    if minutes > MAX_MINUTES:
        raise RefusedFile("too_long", path=path, minutes=minutes, limit=MAX_MINUTES)
    shortest = min((meter.bar_tick, str(meter)) for _, meter in meters)
    if end_tick // shortest[0] >= MAX_BARS:
        raise RefusedFile("bad_meter", path=path, value=f"{shortest[1]} over {end_tick // shortest[0]} bars")


def _canonical(tick: int, resolution: int) -> int:
    return (2 * tick * TICKS_PER_QUARTER + resolution) // (2 * resolution)
