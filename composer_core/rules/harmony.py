"""Chord substitution by scale degree, and the notes that follow the new chords.

Sources: Levine, The Jazz Theory Book (1995), for tritone and secondary dominants; Kostka and
Payne, Tonal Harmony, for relative chords and modal mixture.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from composer_core.errors import InvalidValue, require_choice
from composer_core.music.chords import QUALITIES, Chord, chords_of, diatonic_chords
from composer_core.music.key import Key
from composer_core.music.loop import Loop

SUBSTITUTIONS = ("tritone", "relative", "secondary_dominant", "modal_interchange", "simplify")
ChordLine = Sequence[Chord | None]


def substitute(chords: ChordLine, key: Key, kind: str, bars: Collection[int] | None = None) -> list[Chord | None]:
    """A chord line with some chords replaced; one entry a bar, None where nothing is known (stays None).

    `bars` picks the bars (from 0) that may change, all when None; the line goes round, so the chord after the
    last is the first. Kinds: `tritone` puts the dominant seventh a tritone away in place of a major or
    dominant chord that falls a fifth to the next; `relative` exchanges major and minor chords a third apart
    (C and Am); `secondary_dominant` leads into the next chord by its own dominant seventh, where the next is
    another major or minor chord; `modal_interchange` takes the chord of the same degree from the parallel
    minor or major; `simplify` leaves triads. Raises InvalidValue for another kind.
    """
    require_choice("substitution", kind, SUBSTITUTIONS)
    found: list[Chord | None] = []
    for bar, chord in enumerate(chords):
        follower = chords[(bar + 1) % len(chords)]
        chosen = chord is not None and (bars is None or bar in bars)
        found.append(_other(chord, follower, key, kind) if chord is not None and chosen else chord)
    return found


def _other(chord: Chord, follower: Chord | None, key: Key, kind: str) -> Chord:
    if kind == "tritone":
        falls = follower is not None and (chord.root - follower.root) % 12 == 7
        dominant = chord.quality in ("maj", "7", "9")
        return Chord((chord.root + 6) % 12, "7") if falls and dominant else chord
    if kind == "relative":
        if chord.triad.quality == "maj":
            return Chord((chord.root + 9) % 12, "min")
        return Chord((chord.root + 3) % 12, "maj") if chord.triad.quality == "min" else chord
    if kind == "secondary_dominant":
        leads = follower is not None and follower.root != chord.root and follower.triad.quality in ("maj", "min")
        return Chord((follower.root + 7) % 12, "7") if leads and follower is not None else chord
    if kind == "modal_interchange":
        return _borrowed(chord, key)
    return chord.triad


def _borrowed(chord: Chord, key: Key) -> Chord:
    """The triad of the same degree in the parallel mode; chords outside the key stay."""
    parallel = Key(key.root, "major" if key.is_minor else "minor")
    own, other = diatonic_chords(key), diatonic_chords(parallel)
    degree = next((i for i, candidate in enumerate(own) if candidate.root == chord.root), None)
    return chord if degree is None else other[degree]


def reharmonise(loop: Loop, before: ChordLine, after: ChordLine, key: Key) -> Loop:
    """Move the notes of each bar from its old chord to its new one, each by the shortest way.

    A chord tone becomes the new chord's tone of the same place (root, third, fifth, ...); a note between
    stays where it belongs to the key or the new chord and else goes to the nearest tone of the new chord.
    Bars whose chord is unknown or unchanged, and drums, stay. Raises InvalidValue unless both lines have
    one entry a bar.
    """
    for line in (before, after):
        if len(line) != loop.bars:
            raise InvalidValue(
                "bad_format", name="chord line", value=f"{len(line)} chords", expected=f"{loop.bars}, one a bar"
            )
    if loop.is_drums or not len(loop.notes):
        return loop
    bar = np.clip(loop.notes.onset_tick // loop.meter.bar_tick, 0, loop.bars - 1)
    pitch = loop.notes.pitch.copy()
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is not None and new is not None and old != new:
            inside = bar == index
            move = _moves(old, new, key)
            pitch[inside] += move[pitch[inside] % 12]
    pitch = np.where(pitch < 0, pitch + 12, np.where(pitch > 127, pitch - 12, pitch))
    return loop.with_notes(loop.notes.with_columns(pitch=pitch))


def _moves(old: Chord, new: Chord, key: Key) -> np.ndarray:
    """Semitones (-6 to 5) for each pitch class, (12,)."""
    move = np.zeros(12, dtype=np.int32)
    for pitch_class in range(12):
        if pitch_class in old.pitch_classes:
            targets = [_same_chord_tone(old, new, pitch_class)]
        elif pitch_class in new.pitch_classes or pitch_class in key.scale:
            continue
        else:
            targets = list(new.pitch_classes)
        move[pitch_class] = min(((target - pitch_class + 6) % 12 - 6 for target in targets), key=lambda m: (abs(m), m))
    return move


def _same_chord_tone(old: Chord, new: Chord, pitch_class: int) -> int:
    """The new chord's tone as far above its root as this one is above the old root, or nearest to that."""
    own = (pitch_class - old.root) % 12
    step = min(QUALITIES[new.quality], key=lambda candidate: (abs((candidate - own + 6) % 12 - 6), candidate))
    return (new.root + step) % 12


def substitute_chords(loop: Loop, key: Key, kind: str, bars: Collection[int] | None = None) -> Loop:
    """Recognise the loop's own chord of each bar, substitute, and move the notes along."""
    before = chords_of([loop.notes], loop.bars, loop.meter.bar_tick) if not loop.is_drums else [None] * loop.bars
    return reharmonise(loop, before, substitute(before, key, kind, bars), key)
