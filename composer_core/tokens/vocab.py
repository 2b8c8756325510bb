"""The token language: miditok's REMI on a 12-step grid, without velocity, with a small BPE.

A loop is `BOS (Bar (Position (Pitch [Duration])+)*)* EOS`: drums have PitchDrum and no
duration, pitched instruments Pitch and Duration, with the pitch written as if the tonic were
C. Bar count, metre, tempo, key and every other condition stay outside the tokens. The byte
pair merges never cross a bar. A shared vocabulary holds both kinds of tokens, for a model of all
instruments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import ModelError, require_choice
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import STEPS_PER_QUARTER, TICKS_PER_STEP, Meter

PAD, BOS, EOS = "PAD_None", "BOS_None", "EOS_None"
BAR = "Bar_None"
MAX_QUARTERS_PER_BAR = 6
MAX_DURATION_QUARTERS = 8
DRUM_PITCHES = (27, 87)
"""General MIDI percussion, effects included; TD-11's extra notes are mapped into it first."""
PITCHES = (15, 114)
"""The piano's keys and six semitones beyond, for the shift to a tonic of C."""
DURATION_STEPS = (
    *range(1, 13),
    *range(14, 25, 2),
    *range(27, 49, 3),
    *range(60, MAX_DURATION_QUARTERS * STEPS_PER_QUARTER + 1, 12),
)
"""Note lengths the language holds, in steps; others go to the nearest."""


KINDS = ("drums", "pitched", "shared")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one token id stands for: base tokens, as (kind, value) pairs in order."""

    tokens: tuple[tuple[str, int], ...]


def _config(kind: str) -> Any:
    from miditok import TokenizerConfig

    return TokenizerConfig(
        pitch_range=PITCHES,
        drums_pitch_range=DRUM_PITCHES,
        beat_res={(0, MAX_DURATION_QUARTERS): STEPS_PER_QUARTER},
        use_velocities=False,
        use_note_duration_programs=[] if kind == "drums" else list(range(128)),
        use_time_signatures=False,
        use_pitchdrum_tokens=kind != "pitched",
        special_tokens=["PAD", "BOS", "EOS"],
        encode_ids_split="bar",
        remove_duplicated_notes=True,
    )


def base_names(kind: str) -> list[str]:
    """Names of the base tokens in id order: special tokens first, then REMI's."""
    drums = [f"PitchDrum_{pitch}" for pitch in range(DRUM_PITCHES[0], DRUM_PITCHES[1] + 1)]
    pitched = [f"Pitch_{pitch}" for pitch in range(PITCHES[0], PITCHES[1] + 1)]
    return [
        PAD,
        BOS,
        EOS,
        BAR,
        *(drums if kind != "pitched" else ()),
        *(pitched if kind != "drums" else ()),
        *((f"Duration_{steps}" for steps in DURATION_STEPS) if kind != "drums" else ()),
        *(f"Position_{step}" for step in range(MAX_QUARTERS_PER_BAR * STEPS_PER_QUARTER)),
    ]


def _base_tokenizer(kind: str) -> Any:
    """REMI with only the tokens of our language: its own Position and Duration sets stop at 4/4."""
    from miditok import REMI

    class LoopRemi(REMI):  # type: ignore[misc]
        """REMI over the tokens of `base_names`; miditok adds its special ones itself."""

        def _create_base_vocabulary(self) -> list[str]:
            return base_names(kind)[3:]

    return LoopRemi(_config(kind))


class Vocabulary:
    """Token ids of one model. Make it with `train` or `from_json`; `hash` names its language."""

    def __init__(self, kind: str, merges: Sequence[tuple[str, ...]] = ()) -> None:
        require_choice("kind of vocabulary", kind, KINDS)
        names = base_names(kind)
        self.kind = kind
        self.base_ids: dict[str, int] = {name: index for index, name in enumerate(names)}
        self.merges = [tuple(merge) for merge in merges]
        self.names: list[tuple[str, ...]] = [(name,) for name in names] + self.merges
        self._encoded_bars: dict[tuple[str, ...], list[int]] = {}
        self._ranks = {merge: rank for rank, merge in enumerate(self.merges)}
        self._splits = _split_merges(self.names)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def hash(self) -> str:
        """Digest of the whole language: a model refuses a vocabulary whose hash differs."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def bar_starts(self) -> NDArray[np.bool_]:
        """(n_tokens,) True for the ids that begin a bar."""
        return np.array([names[0] == BAR for names in self.names])

    @cached_property
    def pieces(self) -> list[Piece]:
        """What each id stands for."""
        return [Piece(tuple(_parse(name) for name in names)) for names in self.names]

    @property
    def pad(self) -> int:
        """Id of the padding token."""
        return self.base_ids[PAD]

    @property
    def bos(self) -> int:
        """Id every sequence starts with."""
        return self.base_ids[BOS]

    @property
    def eos(self) -> int:
        """Id every sequence ends with."""
        return self.base_ids[EOS]

    def to_json(self) -> dict[str, object]:
        """Plain values that `from_json` reads."""
        return {
            "language": "remi-12",
            **({"drums": True} if self.kind == "drums" else {"kind": self.kind}),
            "base": list(self.base_ids),
            "merges": [" ".join(merge) for merge in self.merges],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object], path: str = "vocabulary") -> Vocabulary:
        """Read a saved vocabulary; ModelError when its base tokens are not this software's."""
        kind = "drums" if data.get("drums") else str(data.get("kind"))
        require_choice(f"kind of vocabulary in {path}", kind, KINDS)
        vocabulary = cls(kind, [tuple(merge.split(" ")) for merge in cast(list[str], data["merges"])])
        expected = vocabulary.to_json()
        if data != expected:
            raise ModelError(
                "vocabulary_mismatch", path=path, found=data.get("language"), expected=expected["language"]
            )
        return vocabulary

    @classmethod
    def train(cls, bars: Sequence[Sequence[str]], kind: str, n_merges: int) -> Vocabulary:
        """Learn at most `n_merges` byte pair merges from bars of base tokens (miditok's trainer)."""
        tokenizer = _base_tokenizer(kind)
        if n_merges <= 0 or not bars:
            return cls(kind)
        ids = [[tokenizer.vocab[token] for token in bar] for bar in bars]
        text = [tokenizer._ids_to_bytes(bar, as_one_str=True) for bar in ids]
        tokenizer.train(vocab_size=len(tokenizer.vocab) + n_merges, model="BPE", iterator=[text])
        learned = tokenizer._vocab_learned_bytes_to_tokens
        order = sorted(tokenizer._model.get_vocab().items(), key=lambda item: item[1])
        n_base = len(tokenizer.vocab)
        merges = [tuple(learned[piece]) for piece, rank in order if rank >= n_base]
        return cls(kind, [merge for merge in merges if len(merge) > 1])

    def encode_bar(self, bar: Sequence[str]) -> list[int]:
        """Ids of one bar of base tokens, merged in the order the merges were learnt."""
        key = tuple(bar)
        if key not in self._encoded_bars:
            self._encoded_bars[key] = self._merge(key)
        return self._encoded_bars[key]

    def _merge(self, bar: tuple[str, ...]) -> list[int]:
        symbols: list[tuple[str, ...]] = [(name,) for name in bar]
        while len(symbols) > 1:
            ranks = [self._splits.get(pair, len(self.merges)) for pair in pairwise(symbols)]
            best = min(ranks)
            if best == len(self.merges):
                break
            symbols = _join(symbols, [rank == best for rank in ranks])
        return [self._id(symbol) for symbol in symbols]

    def _id(self, symbol: tuple[str, ...]) -> int:
        return self.base_ids[symbol[0]] if len(symbol) == 1 else len(self.base_ids) + self._ranks[symbol]


def _split_merges(names: list[tuple[str, ...]]) -> dict[tuple[tuple[str, ...], tuple[str, ...]], int]:
    """For every merged symbol, all pairs of known symbols that make it, with its rank."""
    n_base = sum(1 for name in names if len(name) == 1)
    known = set(names)
    pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for rank, name in enumerate(names[n_base:]):
        for cut in range(1, len(name)):
            if name[:cut] in known and name[cut:] in known:
                pairs.setdefault((name[:cut], name[cut:]), rank)
    return pairs


def _join(symbols: list[tuple[str, ...]], chosen: list[bool]) -> list[tuple[str, ...]]:
    joined: list[tuple[str, ...]] = []
    index = 0
    while index < len(symbols):
        if index < len(chosen) and chosen[index]:
            joined.append(symbols[index] + symbols[index + 1])
            index += 2
        else:
            joined.append(symbols[index])
            index += 1
    return joined


def _parse(name: str) -> tuple[str, int]:
    kind, _, value = name.partition("_")
    return kind.replace("PitchDrum", "Pitch"), int(value) if value.isdigit() else 0


def loop_to_bars(loop: Loop) -> list[list[str]]:
    """Base tokens of a loop on the 12-step grid, one list per bar, each beginning with Bar.

    Notes out of the language's pitch range are left out; the caller counts them by
    `n_outside`. Onsets must lie on whole steps (see `snap_loop`).
    """
    steps_per_bar = loop.meter.bar_tick // TICKS_PER_STEP
    bars: list[list[str]] = [[BAR] for _ in range(loop.bars)]
    low, high = DRUM_PITCHES if loop.is_drums else PITCHES
    last = (-1, -1)
    for onset_tick, duration_tick, pitch, _ in loop.notes.rows():
        if not low <= pitch <= high:
            continue
        bar, step = divmod(onset_tick // TICKS_PER_STEP, steps_per_bar)
        if (bar, step) != last:
            bars[bar].append(f"Position_{step}")
            last = (bar, step)
        bars[bar].append(f"PitchDrum_{pitch}" if loop.is_drums else f"Pitch_{pitch}")
        if not loop.is_drums:
            bars[bar].append(f"Duration_{_nearest_duration(duration_tick // TICKS_PER_STEP)}")
    return bars


def is_note(token: str) -> bool:
    """True for the base tokens that stand for one note each."""
    return token.startswith("Pitch")


def mix_up(bars: Sequence[Sequence[str]], rng: np.random.Generator) -> list[list[str]]:
    """The same rhythm with the notes' pitches changing places over all bars: music spoilt on purpose."""
    places, notes = [], []
    for number, bar in enumerate(bars):
        position = ""
        for token in bar:
            if token.startswith("Position"):
                position = token
            elif is_note(token):
                places.append((number, position))
                notes.append([token])
            elif token.startswith("Duration"):
                notes[-1].append(token)
    mixed: list[list[str]] = [[BAR] for _ in bars]
    order = rng.permutation(len(notes))
    groups: dict[tuple[int, str], dict[int, list[str]]] = {}
    for place, index in zip(places, order, strict=True):
        group = groups.setdefault(place, {})
        group.setdefault(_parse(notes[index][0])[1], notes[index])
    for (number, position), group in groups.items():
        mixed[number] += [position, *(token for pitch in sorted(group) for token in group[pitch])]
    return mixed


def n_outside(loop: Loop) -> int:
    """How many notes of the loop the language cannot hold."""
    low, high = DRUM_PITCHES if loop.is_drums else PITCHES
    return int(((loop.notes.pitch < low) | (loop.notes.pitch > high)).sum())


def _nearest_duration(steps: int) -> int:
    nearest: int = min(DURATION_STEPS, key=lambda choice: abs(choice - steps))
    return nearest


DRUM_DURATION_STEPS = 1
"""Drum notes carry no length; a 48th of a 4/4 bar is written."""


def bars_to_notes(tokens: Sequence[tuple[str, int]], meter: Meter, velocity: int = 80) -> Notes:
    """Notes of a decoded sequence of (kind, value) base tokens; every note gets `velocity`."""
    steps_per_bar = meter.bar_tick // TICKS_PER_STEP
    rows: list[tuple[int, int, int, int]] = []
    bar, step = -1, 0
    for kind, value in tokens:
        if kind == "Bar":
            bar += 1
        elif kind == "Position":
            step = value
        elif kind == "Pitch":
            onset = (bar * steps_per_bar + step) * TICKS_PER_STEP
            rows.append((onset, DRUM_DURATION_STEPS * TICKS_PER_STEP, value, velocity))
        elif kind == "Duration":
            onset, _, pitch, loudness = rows[-1]
            rows[-1] = (onset, value * TICKS_PER_STEP, pitch, loudness)
    return Notes.from_rows(rows)
