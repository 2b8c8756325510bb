"""Two readers of the same bytes: symusic, fast and strict, and mido, slow and lenient.

What both decide about odd notes:

- A note-on with velocity 0 is a note-off.
- A note struck again before it ended: note-offs end the oldest sounding note first.
- A note that never ends, ends where the same key is struck again or its track ends (a
  quarter later at least), after four quarters at the latest; a warning says so (see `hanging`).
- A note whose end lies on another track never ends, in this sense.
- A note of no length is kept and gets the shortest length later.
- Events after the End of Track are left out.
"""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import RefusedFile
from composer_core.ingest.events import TrackEvents
from composer_core.ingest.song import UNKNOWN_CHANNEL
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.music.key import Key, KeySignature

HANGING_QUARTERS = 4
_MAX_FILE_TICK = 2**40
"""Beyond any song; mido counts on without limit where the bytes ask for it."""


@dataclass(slots=True, eq=False)
class RawTrack:
    """Notes of one channel and program of one track, in the file's own ticks.

    `columns` is (onset, duration, pitch, velocity) as a 4 x n int64 array; `track` the index
    of the track chunk, UNKNOWN_CHANNEL where the reader does not tell; `program` is None where none is set.
    `drums` says whether a drum kit sounds; tracks of equal `group`, where there is one, are staves of one part.
    """

    track: int
    channel: int
    program: int | None
    name: str
    columns: NDArray[np.int64]
    drums: bool = False
    group: tuple[int, ...] | None = None


@dataclass(slots=True, eq=False)
class RawScore:
    """What a reader found: tracks with notes, (tick, microseconds a quarter), (tick, numerator, denominator),
    (tick, sharps, minor)."""

    tracks: list[RawTrack]
    tempos: list[tuple[int, int]]
    meters: list[tuple[int, int, int]]
    keys: list[tuple[int, int, bool]] = field(default_factory=list)
    n_closed: int = 0


def read_strict(data: bytes) -> RawScore:
    """Read with symusic, which refuses what breaks the standard (RuntimeError, ValueError).

    Channels are not known afterwards; `place_tracks` finds them.
    """
    from symusic import Score  # 80 ms to import, which only reader processes need

    score = Score.from_midi(data)
    tracks = []
    for track in score.tracks:
        notes = track.notes.numpy()
        columns = np.array([notes[key] for key in ("time", "duration", "pitch", "velocity")], dtype=np.int64)
        channel = DRUM_CHANNEL if track.is_drum else UNKNOWN_CHANNEL
        if columns.shape[1]:
            tracks.append(RawTrack(UNKNOWN_CHANNEL, channel, track.program, track.name, columns, track.is_drum))
    changes = score.tempos.numpy()
    tempos = list(zip(changes["time"].tolist(), changes["mspq"].tolist(), strict=True))
    meters = [(m.time, m.numerator, m.denominator) for m in score.time_signatures]
    keys = [(key.time, key.key, key.tonality == 1) for key in score.key_signatures]
    return RawScore(tracks, tempos, meters, keys)


def place_tracks(score: RawScore, walks: list[TrackEvents], names: list[str]) -> bool:
    """Give symusic's tracks their chunk, channel and name; False when the note counts disagree.

    symusic orders its tracks by chunk, then channel, then program, and drops notes that
    never end. So the walk's note-ons by chunk and channel are used up in that order.
    """
    expected = [
        (index, channel, walk.note_ons[channel])
        for index, walk in enumerate(walks)
        for channel in sorted(walk.note_ons)
    ]
    places = iter([place for place in expected if place[2]])
    left = 0
    for track in score.tracks:
        if not left:
            chunk, channel, left = next(places, (0, 0, 0))
        left -= track.columns.shape[1]
        if left < 0 or (track.channel == DRUM_CHANNEL) != (channel == DRUM_CHANNEL):
            return False
        track.track, track.channel, track.name = chunk, channel, names[chunk]
        if channel not in walks[chunk].programs:
            track.program = None
    return left == 0 and next(places, None) is None


def read_lenient(data: bytes, path: str) -> RawScore:
    """Read with mido, data bytes clipped to 127; raises RefusedFile where that fails too."""
    from mido import KeySignatureError, MidiFile

    try:
        song = MidiFile(file=io.BytesIO(data), clip=True)
    except EOFError as error:
        raise RefusedFile("truncated", path=path, what="an event") from error
    except (OSError, ValueError, IndexError, KeyError, TypeError, KeySignatureError) as error:
        raise RefusedFile("unreadable_midi", path=path, reason=str(error) or type(error).__name__) from error
    score = RawScore([], [], [])
    for index, messages in enumerate(song.tracks):
        _LenientTrack(path, index, song.ticks_per_beat).read(messages, score)
    score.tempos.sort(key=lambda row: row[0])
    score.meters.sort(key=lambda row: row[0])
    score.keys.sort(key=lambda row: row[0])
    return score


@dataclass(slots=True)
class _LenientTrack:
    """Pairs the notes of one track by the rules at the top of this file."""

    path: str
    index: int
    resolution: int
    name: str = ""
    tick: int = 0
    program: dict[int, int] = field(default_factory=dict)
    sounding: dict[tuple[int, int], list[tuple[int, int, int | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    notes: dict[tuple[int, int | None], list[tuple[int, int, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    n_closed: int = 0

    def read(self, messages: object, score: RawScore) -> None:
        """Put the tempos, metres and notes of a track into `score`; RefusedFile when it never ends."""
        for message in messages:  # type: ignore[attr-defined]
            self.tick += message.time
            if self.tick > _MAX_FILE_TICK:
                raise RefusedFile("bad_value", path=self.path, what="a time", value=self.tick)
            if message.type == "set_tempo":
                score.tempos.append((self.tick, message.tempo))
            elif message.type == "time_signature":
                score.meters.append((self.tick, message.numerator, message.denominator))
            elif message.type == "key_signature":
                signature = KeySignature.of_key(Key.parse(message.key))
                score.keys.append((self.tick, signature.fifths, signature.minor))
            elif message.type == "track_name":
                self.name = message.name
            elif message.type == "end_of_track":
                break
            else:
                self._channel_message(message)
        self._close_hanging()
        score.n_closed += self.n_closed
        for (channel, program), rows in sorted(self.notes.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
            columns = np.array(rows, dtype=np.int64).T
            drums = channel == DRUM_CHANNEL
            score.tracks.append(RawTrack(self.index, channel, program, self.name, columns, drums))

    def _channel_message(self, message: object) -> None:
        kind = message.type  # type: ignore[attr-defined]
        if kind == "program_change":
            self.program[message.channel] = message.program  # type: ignore[attr-defined]
        elif kind in ("note_on", "note_off"):
            key = (message.channel, message.note)  # type: ignore[attr-defined]
            velocity = message.velocity  # type: ignore[attr-defined]
            if kind == "note_on" and velocity:
                self.sounding[key].append((self.tick, velocity, self.program.get(key[0])))
            elif self.sounding[key]:
                self._end(key, self.sounding[key].pop(0), self.tick)

    def _end(self, key: tuple[int, int], start: tuple[int, int, int | None], end_tick: int) -> None:
        onset, velocity, program = start
        self.notes[key[0], program].append((onset, end_tick - onset, key[1], velocity))

    def _close_hanging(self) -> None:
        for key, starts in self.sounding.items():
            for start, following in zip(starts, [*starts[1:], None], strict=False):
                track_end = max(self.tick, start[0] + self.resolution)
                end_tick = min(track_end, start[0] + HANGING_QUARTERS * self.resolution)
                self._end(key, start, end_tick if following is None else min(end_tick, following[0]))
                self.n_closed += 1
