"""Tracks -> parts: the drum kit of a song as one part, a pitched track each, piano hands together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np

from composer_core.ingest.readers import RawScore, RawTrack
from composer_core.ingest.song import UNKNOWN_CHANNEL, Part
from composer_core.music.drum_maps import AUTOMATIC, GENERAL_MIDI, FoundMap, find_drum_map
from composer_core.music.instruments import instrument_of
from composer_core.music.loop import Notes
from composer_core.music.part_names import read_part_name
from composer_core.music.timing import TICKS_PER_QUARTER

_HAND = re.compile(
    r"[\s,:_(-]*\b(right|left|upper|lower|rh|lh|r\.?\s?h\.?|l\.?\s?h\.?)(\s+hand)?\b[\s.)]*$|[\s(（]*[右左]手[)）]*$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class GatheredParts:
    """The parts of a song, (name, instrument) of those whose instrument is a guess, and the map of its drums."""

    parts: tuple[Part, ...]
    guessed: tuple[tuple[str, str], ...]
    drum_map: FoundMap


def gather_parts(
    score: RawScore, resolution: int, titles: Container[int] = (), drum_map: str = AUTOMATIC
) -> GatheredParts:
    """Parts in the order of their first track, notes in canonical ticks.

    All drum tracks of a song are one part, the tracks of single pieces (kick, snare, hats) among them. Pitched
    tracks (each one chunk, channel and program) stand alone, but staves of one channel, and tracks of the same name,
    program and instrument, are one player: the two hands of a piano, whose names may also end in "right hand",
    "L.H." or 右手. `titles` are the chunks whose name may be the song's title; `drum_map` is the map of the
    drums, AUTOMATIC to find it.
    """
    groups: dict[tuple[object, ...], list[RawTrack]] = defaultdict(list)
    guessed: dict[tuple[str, str], None] = {}
    for index, track in enumerate(score.tracks):
        named, is_title = read_part_name(track.name), track.track in titles
        instrument = instrument_of(track.drums, track.program, named, is_title=is_title)
        groups[_group_key(instrument, track, index)].append(track)
        if not track.drums and not track.program and _is_guess(instrument, track.program, named.family):
            guessed[track.name, instrument] = None
    parts = [_part(str(key[0]), tracks, resolution) for key, tracks in groups.items()]
    found = FoundMap(drum_map if drum_map != AUTOMATIC else GENERAL_MIDI)
    for index, (part, tracks) in enumerate(zip(parts, groups.values(), strict=True)):
        if part.instrument == "drums":
            if drum_map == AUTOMATIC:
                names = [track.name for track in tracks]
                found = find_drum_map(part.notes.pitch, part.notes.onset_tick, names)
            parts[index] = replace(part, drum_map=found.name)
    return GatheredParts(tuple(parts), tuple(guessed), found)


def _is_guess(instrument: str, program: int | None, named: str | None) -> bool:
    """Drums by name, a name against the program of a piano, and a name that was not believed."""
    if named is None:
        return False
    return instrument == "drums" or named != instrument or (program == 0 and instrument != "piano")


def _group_key(instrument: str, track: RawTrack, index: int) -> tuple[object, ...]:
    if instrument == "drums":
        return (instrument,)
    player = _HAND.sub("", track.name).strip().casefold()
    if player or _HAND.search(track.name):
        return (instrument, track.program, player)
    return (instrument, track.program, index if track.group is None else track.group, None)


def _part(instrument: str, tracks: list[RawTrack], resolution: int) -> Part:
    columns = np.concatenate([track.columns for track in tracks], axis=1)
    channels = {track.channel for track in tracks}
    return Part(
        instrument=instrument,
        channel=channels.pop() if len(channels) == 1 else UNKNOWN_CHANNEL,
        program=tracks[0].program or 0,
        name=next((track.name for track in tracks if track.name), ""),
        notes=_canonical_notes(columns, resolution),
    )


def _canonical_notes(columns: np.ndarray, resolution: int) -> Notes:
    """Onsets and durations from file ticks to 480 a quarter, each rounded by itself, durations at least 1."""
    onset, duration = columns[0], columns[1]
    if resolution != TICKS_PER_QUARTER:
        onset = (2 * onset * TICKS_PER_QUARTER + resolution) // (2 * resolution)
        duration = (2 * duration * TICKS_PER_QUARTER + resolution) // (2 * resolution)
    order = np.lexsort((columns[2], onset))
    limit = np.iinfo(np.int32).max
    return Notes(
        np.minimum(onset, limit)[order].astype(np.int32),
        np.clip(duration, 1, limit)[order].astype(np.int32),
        columns[2][order].astype(np.int32),
        columns[3][order].astype(np.int32),
    )
