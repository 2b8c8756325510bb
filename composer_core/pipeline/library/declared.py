"""What a file declares of its key and metre, and whether its notes belie it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from composer_core.estimate.classifiers.questions import QuestionSet
from composer_core.estimate.estimators import shipped_meter_model
from composer_core.estimate.key.declared import declared_json, is_doubtful
from composer_core.estimate.key.estimator import features_of, key_shares
from composer_core.estimate.meter import declared_meter_json, meter_is_doubtful, song_meter_shares
from composer_core.ingest.song import Song, seconds_at
from composer_core.ingest.warnings import FileWarning
from composer_core.music.key import KeySignature
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import EARLY_TICK, TICKS_PER_QUARTER, Meter

_FEWEST_NOTES = 8
_COLUMNS = ("onset_tick", "duration_tick", "pitch", "velocity")
_FEWEST_BARS = 8
"""Four bars of OpenScore's Lieder belie their right metre in 10 %, eight in 3 %."""


class JudgedSignature(NamedTuple):
    """A key signature, the tick from which on it counts, and whether the notes up to the next belie it."""

    tick: int
    signature: KeySignature
    doubtful: bool


class JudgedMeter(NamedTuple):
    """The declared metre of most of a song, whether its notes belie it, and the shares of the metres they suggest."""

    meter: Meter
    doubtful: bool
    shares: Mapping[str, float] | None


def judged_signatures(song: Song) -> list[JudgedSignature]:
    """The declared signatures of a song, each judged by all pitched notes under it; too few notes belie none."""
    pitched = [part.notes for part in song.parts if part.instrument != "drums" and len(part.notes)]
    if not song.signatures or not pitched:
        return [JudgedSignature(tick, signature, False) for tick, signature in song.signatures]
    notes = Notes.of(*(np.concatenate([getattr(one, name) for one in pitched]) for name in _COLUMNS))
    starts = [tick - EARLY_TICK for tick, _ in song.signatures]
    edges = [0, *np.searchsorted(notes.onset_tick, starts[1:]).tolist(), len(notes)]
    return [
        JudgedSignature(tick, signature, _belied(song, signature, notes, slice(first, last)))
        for (tick, signature), first, last in zip(song.signatures, edges[:-1], edges[1:], strict=True)
    ]


def _belied(song: Song, signature: KeySignature, notes: Notes, stretch: slice) -> bool:
    columns = [column[stretch] for column in notes.columns()]
    onset = columns[0].astype(np.int64)
    if len(onset) < _FEWEST_NOTES:
        return False
    ends = np.array([onset[0], onset[-1]])
    start_sec, end_sec = seconds_at(ends, song.tempo_tick, song.tempo_bpm)
    n_bars = int(onset[-1] - onset[0]) // (4 * TICKS_PER_QUARTER) + 1
    row = features_of(Loop("other", Notes.of(onset - onset[0], *columns[1:]), n_bars))
    return is_doubtful(signature, row[:12], key_shares(row[None], np.array([end_sec - start_sec]))[0])


def keep_signatures(song: Song, loops: Sequence[Loop]) -> list[FileWarning]:
    """Put into each pitched loop's `extra` the signature declared where it begins; a warning about belied ones."""
    judged = judged_signatures(song)
    for loop in loops:
        start_tick = loop.extra["start_tick"]
        assert isinstance(start_tick, int)  # `cut` puts it there
        said = [one for one in judged if one.tick <= start_tick + EARLY_TICK]
        if said and not loop.is_drums:
            loop.extra["declared_key"] = declared_json(said[-1].signature, said[-1].doubtful)
    doubted = dict.fromkeys(str(one.signature) for one in judged if one.doubtful)
    return [FileWarning("key_doubtful", song.name, {"keys": ", ".join(doubted)})] if doubted else []


def keep_meters(song: Song, loops: Sequence[Loop]) -> None:
    """Put into each loop's `extra` the metre that its file declares where it begins; nothing where it declares none."""
    if song.says_meter:
        for loop in loops:
            loop.extra["declared_meter"] = declared_meter_json(loop.meter, meter_is_doubtful(loop.meter))


def main_signature(song: Song) -> JudgedSignature | None:
    """The signature that covers most of a song, as it is judged where it lasts longest; None without any."""
    judged = judged_signatures(song)
    if not judged:
        return None
    ends = [*(one.tick for one in judged[1:]), _last_onset(song) + 1]
    lengths = [max(end - one.tick, 0) for one, end in zip(judged, ends, strict=True)]
    covered: Counter[KeySignature] = Counter()
    for one, length in zip(judged, lengths, strict=True):
        covered[one.signature] += length
    most = covered.most_common(1)[0][0]
    return max(zip(lengths, judged, strict=True), key=lambda pair: (pair[1].signature == most, pair[0]))[1]


def main_meter(song: Song) -> Meter:
    """The metre that covers most of a song."""
    covered: Counter[Meter] = Counter()
    for _, length, meter in _stretches(song):
        covered[meter] += length
    return covered.most_common(1)[0][0]


def main_stretch(song: Song) -> tuple[Meter, Notes]:
    """The metre that covers most of a song, and the notes of its longest stretch, from the stretch's first bar line."""
    meter = main_meter(song)
    start, length, _ = max((one for one in _stretches(song) if one[2] == meter), key=lambda one: one[1])
    parts = [part.notes for part in song.parts]
    notes = Notes.of(*(np.concatenate([getattr(one, name) for one in parts]) for name in _COLUMNS))
    end = start + length if start + length > _last_onset(song) else start + length - EARLY_TICK
    inside = notes.select((notes.onset_tick >= start - EARLY_TICK) & (notes.onset_tick < end))
    return meter, inside.with_columns(onset_tick=inside.onset_tick - start)


def _stretches(song: Song) -> list[tuple[int, int, Meter]]:
    """(start, length, metre) of each stretch up to the last onset."""
    end_of_all = _last_onset(song) + 1
    ends = [*(tick for tick, _ in song.meters[1:]), end_of_all]
    return [
        (tick, max(min(end, end_of_all) - tick, 0), meter) for (tick, meter), end in zip(song.meters, ends, strict=True)
    ]


def _last_onset(song: Song) -> int:
    return max((int(part.notes.onset_tick[-1]) for part in song.parts if len(part.notes)), default=0)


def judged_meter(song: Song, model: QuestionSet | None) -> JudgedMeter | None:
    """The metre a file declares, judged by the notes of its longest stretch; None without notes or a declaration.

    Fewer than eight bars belie none. Without a `model` only a bar of one beat is doubted.
    """
    if not song.says_meter or not song.n_notes:
        return None
    meter, notes = main_stretch(song)
    shares = None if model is None else song_meter_shares(model, notes)
    enough = int(notes.onset_tick[-1]) >= (_FEWEST_BARS - 1) * meter.bar_tick
    return JudgedMeter(meter, meter_is_doubtful(meter, shares if enough else None), shares)


def meter_warnings(song: Song) -> list[FileWarning]:
    """A warning about a metre that is no music's or that pitched notes belie; a kit alone tells too little."""
    pitched = any(part.instrument != "drums" and len(part.notes) for part in song.parts)
    judged = judged_meter(song, shipped_meter_model() if pitched else None)
    if judged is None or not judged.doubtful:
        return []
    said: dict[str, object] = {"meter": str(judged.meter)}
    if judged.meter.numerator == 1 or not judged.shares:
        return [FileWarning("meter_doubtful", song.name, said)]
    likely = max(judged.shares.items(), key=lambda one: one[1])[0]
    return [FileWarning("meter_belied", song.name, said | {"likely": likely})]
