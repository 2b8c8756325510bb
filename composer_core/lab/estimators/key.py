"""Train the key estimator on POP909, and measure it beside three key profiles.

The weights are fitted by cross-entropy with Adam, shared over the twelve roots."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound, StoreError
from composer_core.estimate.classifiers.softmax import best_temperature
from composer_core.estimate.key.estimator import KeyModel, Temperatures, all_roots, softmax, temperature_at
from composer_core.estimate.key.features import N_FEATURES, TURNS, key_features
from composer_core.ingest.midi import read_song
from composer_core.ingest.song import seconds_at
from composer_core.metrics.key_profiles import PROFILES, key_correlations
from composer_core.music.key import parse_note_name
from composer_core.store.atomic import write_json

IndexArray = NDArray[np.int64]

EPOCHS, BATCH, RATE, DECAY, DROP = 8, 512, 0.004, 0.01, 0.1
_MOMENTUM, _SQUARE_MOMENTUM, _TINY, _LEAST_SPREAD = 0.9, 0.999, 1e-8, 1e-3
FloatArray = NDArray[np.float64]
KINDS = {"8 s": 8.0, "16 s": 16.0, "song": 0.0, "training": 0.0}
MEASURED = ("8 s", "16 s", "song")
FOLDS = 5
_MIN_NOTES = 4
_SHORTEST_SEC, _LONGEST_SEC, _SEC_A_DRAW, _ONE_TRACK = 4.0, 60.0, 12.0, 0.35
_BAR_QUARTERS, _TAIL_SEC = 4, 2.0
_UNSOFTENED, _TINY = ((1.0, 1.0),), 1e-12


def fit_key_weights(features: NDArray[np.float32], keys: IndexArray, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Weights (N_FEATURES, 2) and bias (2,) from features (n, N_FEATURES) and keys (0 to 23).

    Features are scaled by their spread over all turns while learning (weights come back
    unscaled), a tenth of them is hidden at random in each batch, the rate falls along a cosine.
    """
    rng = np.random.default_rng(seed)
    scale = _spread(features)
    weights, bias = np.zeros((N_FEATURES, 2), dtype=np.float32), np.zeros(2, dtype=np.float32)
    moments = [np.zeros((2, *weights.shape), np.float32), np.zeros((2, 2), np.float32)]
    n_steps = max(1, EPOCHS * len(features) // BATCH)
    for step in range(1, n_steps + 1):
        chosen = rng.integers(0, len(features), BATCH)
        rows = features[chosen] / scale
        rows *= (rng.random(rows.shape, dtype=np.float32) >= DROP) / np.float32(1 - DROP)
        error = softmax(rows @ all_roots(weights).astype(np.float32) + np.repeat(bias, 12))
        error[np.arange(BATCH), keys[chosen]] -= 1.0
        slope = _fold(rows.T @ (error / BATCH).astype(np.float32))
        bias_slope = np.asarray([error[:, :12].sum(), error[:, 12:].sum()], dtype=np.float32) / BATCH
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / n_steps))
        weights -= rate * (_adam(moments[0], slope, step) + DECAY * weights)
        bias -= rate * _adam(moments[1], bias_slope, step)
    return weights.astype(np.float64) / scale[:, None], bias.astype(np.float64)


def _spread(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation of each feature over rows and turns, never tiny."""
    spread = features.std(axis=0)
    return np.asarray(np.sqrt(np.mean(spread[TURNS] ** 2, axis=0)) + _LEAST_SPREAD, dtype=np.float32)


def _fold(slope: NDArray[np.float32]) -> FloatArray:
    """Gradient of all 24 columns gathered on the two that are shared."""
    return np.stack([sum(slope[TURNS[root], 12 * mode + root] for root in range(12)) for mode in (0, 1)], axis=1)


def _adam(moments: NDArray[np.float32], slope: NDArray[np.floating], step: int) -> NDArray[np.float32]:
    moments[0] += (1 - _MOMENTUM) * (slope - moments[0])
    moments[1] += (1 - _SQUARE_MOMENTUM) * (slope * slope - moments[1])
    mean, square = moments[0] / (1 - _MOMENTUM**step), moments[1] / (1 - _SQUARE_MOMENTUM**step)
    return np.asarray(mean / (np.sqrt(square) + _TINY))


@dataclass(frozen=True, slots=True, eq=False)
class KeyedSong:
    """A song's notes in seconds and in quarters of its own beats, and which key holds when.

    Notes are sorted by onset; `track` numbers the track of each. `beat_sec` are the times of
    the quarters, `first_bar` the quarter of the first bar line; `keys` holds (start_sec,
    end_sec, key), keys 0 to 11 major from C on, 12 to 23 minor.
    """

    name: str
    onset_sec: FloatArray
    onset_quarter: FloatArray
    duration_quarter: FloatArray
    pitch: NDArray[np.int32]
    track: NDArray[np.int64]
    beat_sec: FloatArray
    first_bar: int
    keys: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeyExamples:
    """Features (n, N_FEATURES), keys (n,), number of the song (n,), index into KINDS (n,), length in seconds (n,)."""

    features: NDArray[np.float32]
    keys: NDArray[np.int64]
    song: NDArray[np.int64]
    kind: NDArray[np.int64]
    sec: FloatArray

    def without(self, some: NDArray[np.bool_]) -> KeyExamples:
        """The other examples."""
        rest = ~some
        return KeyExamples(self.features[rest], self.keys[rest], self.song[rest], self.kind[rest], self.sec[rest])

    def is_kind(self, kind: str) -> NDArray[np.bool_]:
        """Which examples are of a kind."""
        of_kind: NDArray[np.bool_] = self.kind == list(KINDS).index(kind)
        return of_kind


def read_pop909(folder: Path) -> Iterator[KeyedSong]:
    """The songs of POP909 at or below `folder`: NAME/NAME.mid, key_audio.txt, beat_midi.txt. NotFound without any."""
    found = next(
        (f for f in (folder, folder / "pop909", folder / "mit" / "pop909", folder / "POP909") if _holds(f)), None
    )
    if found is None:
        raise NotFound("path_missing", path=str(folder / "001" / "key_audio.txt"))
    for path in sorted(found.glob("*/key_audio.txt")):
        yield _read_keyed(path.parent)


def _holds(folder: Path) -> bool:
    return any(folder.glob("*/key_audio.txt"))


def _read_keyed(folder: Path) -> KeyedSong:
    song = read_song((folder / f"{folder.name}.mid").read_bytes(), folder.name)
    beats = np.loadtxt(folder / "beat_midi.txt", ndmin=2)
    bars = np.flatnonzero(beats[:, -1] == 1.0)
    columns = []
    for number, part in enumerate(song.parts):
        tick = part.notes.onset_tick.astype(np.int64)
        start, end = (seconds_at(t, song.tempo_tick, song.tempo_bpm) for t in (tick, tick + part.notes.duration_tick))
        columns.append((start, end, part.notes.pitch, np.full(len(tick), number)))
    start, end, pitch, track = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.lexsort((pitch, start))
    start_quarter, end_quarter = (_quarters(sec[order], beats[:, 0]) for sec in (start, end))
    return KeyedSong(
        folder.name,
        start[order],
        start_quarter,
        end_quarter - start_quarter,
        pitch[order],
        track[order],
        beats[:, 0],
        int(bars[0]) if len(bars) else 0,
        _read_keys(folder / "key_audio.txt"),
    )


def _read_keys(path: Path) -> tuple[tuple[float, float, int], ...]:
    keys = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            start, end, name = line.split()
            root, mode = name.split(":")
            keys.append((float(start), float(end), parse_note_name(root) + 12 * (mode == "min")))
        except ValueError as error:
            raise StoreError("damaged_store", path=str(path), reason=f"no key in the line {line!r}") from error
    return tuple(keys)


def _quarters(sec: FloatArray, beat_sec: FloatArray) -> FloatArray:
    """Seconds as quarters of the song's own beats, at their usual pace before the first and after the last."""
    pace = float(np.median(np.diff(beat_sec)))
    quarter = np.interp(sec, beat_sec, np.arange(len(beat_sec), dtype=np.float64))
    quarter = np.where(sec > beat_sec[-1], len(beat_sec) - 1 + (sec - beat_sec[-1]) / pace, quarter)
    return np.where(sec < beat_sec[0], (sec - beat_sec[0]) / pace, quarter)


def key_examples(songs: Sequence[KeyedSong], seed: int = 0) -> KeyExamples:
    """Windows of every kind of every song, with their features."""
    rng = np.random.default_rng(seed)
    rows = [
        (features, key, number, list(KINDS).index(kind), sec)
        for number, song in enumerate(songs)
        for kind, key, sec, features in _windows(song, rng)
    ]
    features, keys, numbers, kinds, sec = zip(*rows, strict=True)
    return KeyExamples(np.stack(features), np.array(keys), np.array(numbers), np.array(kinds), np.array(sec))


def _windows(song: KeyedSong, rng: np.random.Generator) -> Iterator[tuple[str, int, float, NDArray[np.float32]]]:
    last = float(song.onset_sec[-1]) + _TAIL_SEC
    spans: list[tuple[str, int, float, float, bool]] = []
    for start, end, key in song.keys:
        for kind in ("8 s", "16 s"):
            length = KINDS[kind]
            count = int((min(end, last) - max(start, 0.0)) // length)
            spans += [
                (kind, key, max(start, 0.0) + i * length, max(start, 0.0) + (i + 1) * length, False)
                for i in range(count)
            ]
        for _ in range(int((end - start) / _SEC_A_DRAW)):
            length = float(np.exp(rng.uniform(np.log(_SHORTEST_SEC), np.log(_LONGEST_SEC))))
            if length < end - start:
                begin = rng.uniform(start, end - length)
                spans.append(("training", key, begin, begin + length, bool(rng.random() < _ONE_TRACK)))
    lasting: Counter[int] = Counter()
    for start, end, key in song.keys:
        lasting[key] += round(1000 * (end - start))
    spans.append(("song", lasting.most_common(1)[0][0], 0.0, last, False))
    for kind, key, begin, end, one_track in spans:
        chosen = (song.onset_sec >= begin) & (song.onset_sec < end)
        if one_track:
            chosen &= song.track == rng.integers(0, song.track.max() + 1)
        if np.count_nonzero(chosen) >= _MIN_NOTES:
            yield kind, key, end - begin, _window_features(song, chosen, begin, end)


def _window_features(song: KeyedSong, chosen: NDArray[np.bool_], begin: float, end: float) -> NDArray[np.float32]:
    """Features of the chosen notes, counted from the bar line at or before the window's start."""
    first, last = _quarters(np.array([begin, end]), song.beat_sec).tolist()
    bar = np.floor((first - song.first_bar) / _BAR_QUARTERS) * _BAR_QUARTERS + song.first_bar
    onset = song.onset_quarter[chosen]
    length = np.minimum(song.duration_quarter[chosen], last - onset)
    return key_features(onset - bar, length, song.pitch[chosen], last - bar)


def cross_validate(examples: KeyExamples) -> FloatArray:
    """Probabilities (n, 24) at temperature 1 of every example by weights that did not see its song."""
    shares = np.empty((len(examples.keys), 24))
    for fold in range(FOLDS):
        left_out = examples.song % FOLDS == fold
        weights, bias = fit_key_weights(examples.features[~left_out], examples.keys[~left_out])
        shares[left_out] = KeyModel(weights, bias, _UNSOFTENED, {}).shares(
            examples.features[left_out], examples.sec[left_out]
        )
    return shares


def fit_temperatures(examples: KeyExamples, shares: FloatArray) -> Temperatures:
    """The best temperature of each of MEASURED for held-out probabilities at temperature 1, at its median length."""
    found = []
    for kind in MEASURED:
        mask = examples.is_kind(kind)
        temperature = best_temperature(shares[mask], examples.keys[mask], np.ones(int(mask.sum())))
        found.append((round(float(np.median(examples.sec[mask])), 1), temperature))
    return tuple(found)


def cross_calibrated(examples: KeyExamples, shares: FloatArray) -> FloatArray:
    """Held-out probabilities at temperature 1 softened as those of the other folds ask for."""
    softened = np.empty_like(shares)
    for fold in range(FOLDS):
        left_out = examples.song % FOLDS == fold
        temperatures = fit_temperatures(examples.without(left_out), shares[~left_out])
        logits = np.log(np.maximum(shares[left_out], _TINY))
        softened[left_out] = softmax(logits / temperature_at(temperatures, examples.sec[left_out])[:, None])
    return softened


def accuracy_table(examples: KeyExamples, shares: FloatArray) -> dict[str, dict[str, float]]:
    """Share of windows of each kind whose root and mode are exactly right: learned, then each profile."""
    answers = {"learned": shares.argmax(axis=1)}
    for name in PROFILES:
        answers[name] = key_correlations(examples.features[:, :12].astype(np.float64), name).argmax(axis=1)
    masks = {kind: examples.is_kind(kind) for kind in MEASURED}
    hits = {name: answer == examples.keys for name, answer in answers.items()}
    return {
        name: {kind: round(float(hit[mask].mean()), 4) for kind, mask in masks.items()} for name, hit in hits.items()
    }


def calibration(examples: KeyExamples, shares: FloatArray, n_bins: int = 10) -> dict[str, float]:
    """Expected calibration error of each kind of window: mean |confidence - accuracy| over ten bins, weighted."""
    confidence, hit = shares.max(axis=1), shares.argmax(axis=1) == examples.keys
    found = {}
    for kind in MEASURED:
        mask = examples.is_kind(kind)
        bins = np.minimum((confidence[mask] * n_bins).astype(np.int64), n_bins - 1)
        gap = np.bincount(bins, weights=confidence[mask] - hit[mask], minlength=n_bins)
        found[kind] = round(float(np.abs(gap).sum() / mask.sum()), 4)
    return found


def train_key(data: Path, output: Path) -> dict[str, object]:
    """Cross-validate, fit on all songs, write the model to `output`; its card."""
    songs = list(read_pop909(data))
    examples = key_examples(songs)
    held_out = cross_validate(examples)
    weights, bias = fit_key_weights(examples.features, examples.keys)
    card = _card(songs, examples, held_out)
    write_json(output, KeyModel(weights, bias, fit_temperatures(examples, held_out), card).to_json())
    return card


def _card(songs: Sequence[KeyedSong], examples: KeyExamples, held_out: FloatArray) -> dict[str, Any]:
    kinds: Mapping[str, int] = {kind: int(np.count_nonzero(examples.kind == index)) for index, kind in enumerate(KINDS)}
    return {
        "about": "key of notes (12 roots, major or minor): linear, the same weights asked from every root",
        "command": "composer estimate train key --data POP909 -o assets/models/key.json",
        "data": "POP909 (Wang et al. 2020, MIT): notes of MELODY, BRIDGE and PIANO, keys of key_audio.txt",
        "digest": hashlib.sha256(np.round(examples.features, 4).tobytes() + examples.keys.tobytes()).hexdigest(),
        "songs": len(songs),
        "windows": dict(kinds),
        "split": f"{FOLDS} folds of whole songs; shipped weights are fitted on all",
        "exact_accuracy": accuracy_table(examples, held_out),
        "calibration_error": calibration(examples, cross_calibrated(examples, held_out)),
    }
