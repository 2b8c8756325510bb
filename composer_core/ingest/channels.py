"""What sounds on a channel, as a synthesiser knows it: programs, banks and drum switches in the order of time.

A channel belongs to a port. Its program may be set in another track (a set-up track, the other staff of a
piano) and, by a sequencer that sends it late, shortly after its first note. Drums sound on channel 10, and where
a bank (XG: MSB 126 or 127; GM2: MSB 120) or a system exclusive message (GS "use for rhythm part", XG "part
mode") says so; GM2's melodic bank 121 and the same messages make channel 10 melodic. MSB 126 and 127 after a GS
reset are the sounds of the MT-32, no drums.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from composer_core.ingest.events import META_PORT, TrackEvents, timed_messages
from composer_core.ingest.readers import RawTrack
from composer_core.music.instruments import DRUM_CHANNEL
from composer_core.music.part_names import read_part_name

_PROGRAM, _BANK, _RHYTHM, _RESET = "program", "bank", "rhythm", "reset"
_SWITCHES = (_RHYTHM, _RESET)
_WHOLE_PORT = _SET_UP = -1
_GS_RHYTHM = re.compile(rb"\x41[\x00-\x7f]\x42\x12\x40([\x10-\x1f])\x15([\x00-\x02])", re.S)
_GS_RESET = re.compile(rb"\x41[\x00-\x7f]\x42\x12\x40\x00\x7f", re.S)
_XG_MODE = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\x00-\x0f])\x07([\x00-\x05])", re.S)
_XG_ON = re.compile(rb"\x43[\x10-\x1f]\x4c\x00\x00\x7e", re.S)
_XG_DRUMS, _GM2_DRUMS, _GM2_MELODY = (126, 127), 120, 121
Place = tuple[int, int]
"""(port, channel)."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change on one channel (_WHOLE_PORT: on all of a port) in the file's ticks, in the track `chunk`."""

    tick: int
    chunk: int
    place: Place
    kind: str
    value: int


def need_channel_states(tracks: Sequence[RawTrack], walks: Sequence[TrackEvents]) -> bool:
    """False where every track sets the programs of its own channels once and nothing moves the drums."""
    if any(walk.exclusives or walk.drum_bank for walk in walks):
        return True
    setting: dict[int, set[int]] = defaultdict(set)
    for chunk, walk in enumerate(walks):
        for channel in walk.programs:
            setting[channel].add(chunk)
    seen: set[tuple[int, int]] = set()
    for track in tracks:
        if setting[track.channel] - {track.track} or (track.track, track.channel) in seen:
            return True
        seen.add((track.track, track.channel))
    return False


def resolve_channels(
    tracks: Sequence[RawTrack], data: bytes, walks: Sequence[TrackEvents], resolution: int
) -> list[RawTrack]:
    """The tracks split by the program that sounds and by drums or not, in the order of chunks and channels.

    `tracks` are placed (chunk and channel known). A staff that sets no program on its channel takes the name
    and group of the track whose program it sounds with. A track that sets programs itself is never overruled by
    another track with notes: exporters that put everything on channel 1 mean each track's own.
    """
    changes: dict[Place, list[_Change]] = defaultdict(list)
    for chunk, walk in enumerate(walks):
        for change in _changes(data, walk, chunk):
            changes[change.place].append(change)
    gathered: dict[tuple[int, int], list[RawTrack]] = defaultdict(list)
    for track in tracks:
        gathered[track.track, track.channel].append(track)
    places = {key: (_port(data, walks[key[0]]), key[1]) for key in gathered}
    found: list[RawTrack] = []
    for (chunk, channel), same in gathered.items():
        place = places[chunk, channel]
        players = {other: gathered[other, channel][0] for other, _ in gathered if places.get((other, channel)) == place}
        of_channel = sorted([*changes[place[0], _WHOLE_PORT], *changes[place]], key=lambda change: change.tick)
        leader = _leader(chunk, players, {change.chunk for change in of_channel if change.kind == _PROGRAM})
        heard = [c for c in of_channel if c.kind in _SWITCHES or c.chunk in (chunk, leader) or c.chunk not in players]
        whole = replace(same[0], columns=np.concatenate([track.columns for track in same], axis=1))
        if leader in players and channel != DRUM_CHANNEL:
            whole.name = players[leader].name
        whole.group = (*place, leader)
        found += _split(whole, heard, resolution)
    return found


def _leader(chunk: int, players: Mapping[int, RawTrack], setting: set[int]) -> int:
    """The track whose programs this one sounds with: itself, _SET_UP, or another with notes, the one before at best."""
    if chunk in setting or not setting:
        return chunk
    if setting - players.keys():
        return _SET_UP
    leader = max((other for other in setting if other < chunk), default=min(setting))
    said, lent = read_part_name(players[chunk].name).family, read_part_name(players[leader].name).family
    return chunk if said is not None and said != lent else leader


def _split(track: RawTrack, changes: Sequence[_Change], resolution: int) -> list[RawTrack]:
    """One track a program and drums or not."""
    onset = track.columns[0]
    timed = _effective(changes, int(onset.min()), resolution)
    states = [_Sound(None, track.channel == DRUM_CHANNEL)]
    for _, change in timed:
        states.append(states[-1].after(change, track.channel))
    index = np.searchsorted(np.array([tick for tick, _ in timed], dtype=np.int64), onset, side="right")
    sounds = [(state.program, state.drums) for state in states]
    found = []
    heard = {sounds[one] for one in np.unique(index).tolist()}
    for program, drums in sorted(heard, key=lambda sound: (sound[0] or 0, sound[1])):
        chosen = np.array([one == (program, drums) for one in sounds])[index]
        found.append(replace(track, program=program, drums=drums, columns=track.columns[:, chosen]))
    return found


def _effective(changes: Sequence[_Change], first: int, resolution: int) -> list[tuple[int, _Change]]:
    """When each change takes effect: where no program is set yet, one within an eighth after the first note is its."""
    unset = not any(change.kind == _PROGRAM and change.tick <= first for change in changes)
    late = first + resolution // 2
    timed = [(first if first < c.tick <= late and (unset or c.kind in _SWITCHES) else c.tick, c) for c in changes]
    return sorted(timed, key=lambda one: one[0])


@dataclass(frozen=True, slots=True)
class _Sound:
    """What a channel sounds with. `rhythm`: a message or channel 10 makes it drums; `kit`: its bank does."""

    program: int | None
    rhythm: bool
    kit: bool = False
    gs: bool = False

    @property
    def drums(self) -> bool:
        return self.rhythm or self.kit

    def after(self, change: _Change, channel: int) -> _Sound:
        if change.kind == _PROGRAM:
            return replace(self, program=change.value)
        if change.kind == _RHYTHM:
            return replace(self, rhythm=bool(change.value))
        if change.kind == _RESET:
            return _Sound(self.program, channel == DRUM_CHANNEL, gs=bool(change.value))
        kit = change.value == _GM2_DRUMS or (change.value in _XG_DRUMS and not self.gs)
        return replace(self, kit=kit, rhythm=self.rhythm and change.value != _GM2_MELODY)


def _port(data: bytes, walk: TrackEvents) -> int:
    ports = [data[meta.start] for meta in walk.metas if meta.kind == META_PORT and meta.end > meta.start]
    return ports[0] if ports else 0


def _changes(data: bytes, walk: TrackEvents, chunk: int) -> Iterator[_Change]:
    """Programs, bank MSBs and drum switches of one track in order."""
    if not (walk.programs or walk.exclusives or walk.drum_bank):
        return
    port = 0
    for tick, status, body in timed_messages(data, walk):
        if status >> 4 == 0xC:
            yield _Change(tick, chunk, (port, status & 0x0F), _PROGRAM, body[0])
        elif status >> 4 == 0xB and body[0] == 0:
            yield _Change(tick, chunk, (port, status & 0x0F), _BANK, body[1])
        elif status in (0xF0, 0xF7):
            yield from _switches(body, tick, chunk, port)
        elif status == 0xFF and body[0] == META_PORT and len(body) > 2:
            port = body[2]


def _switches(message: bytes, tick: int, chunk: int, port: int) -> Iterator[_Change]:
    if rhythm := _GS_RHYTHM.search(message):
        part = rhythm[1][0] & 0x0F
        channel = DRUM_CHANNEL if part == 0 else part - 1 if part <= DRUM_CHANNEL else part
        yield _Change(tick, chunk, (port, channel), _RHYTHM, rhythm[2][0])
    elif mode := _XG_MODE.search(message):
        yield _Change(tick, chunk, (port, mode[1][0]), _RHYTHM, mode[2][0])
    elif _GS_RESET.search(message):
        yield _Change(tick, chunk, (port, _WHOLE_PORT), _RESET, 1)
    elif _XG_ON.search(message):
        yield _Change(tick, chunk, (port, _WHOLE_PORT), _RESET, 0)
