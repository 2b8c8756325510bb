"""Plans for requests that ask for none: from the chord lines of the data, or from a training window asked alike."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from benchmarks.notes.train import windows_of
from composer_core.model.notes.chord_lines import ChordLines
from composer_core.model.notes.features import Request
from composer_core.model.notes.reading import N_QUALITIES
from composer_core.model.notes.windows import NoteWindows

POOL = 12_000
FAR_DENSITY, FAR_REGISTER, FAR_TEMPO, OTHER_MODE, OTHER_GENRE = 2.0, 0.5, 0.5, 6.0, 4.0
"""What a step away costs: a candidate is drawn with chance exp(-cost)."""


@lru_cache(maxsize=2)
def pool(instrument: str) -> tuple[NoteWindows, Request]:
    """Training windows of an instrument and what they would have been asked."""
    train = windows_of(instrument, "train", POOL)
    every = np.arange(len(train))
    return train, train.request(every, np.zeros(len(train), np.int64))


def relative(chords: torch.Tensor, tonic: torch.Tensor, sign: int) -> torch.Tensor:
    """Chord codes moved by the tonic: -1 from sounding to above the tonic, 1 back."""
    root, quality = (chords - 1) // N_QUALITIES, (chords - 1) % N_QUALITIES
    return torch.where(chords > 0, 1 + (root + sign * tonic.unsqueeze(1)) % 12 * N_QUALITIES + quality, 0)


def drawn_chords(windows: NoteWindows, request: Request) -> Request:
    """The request with chord lines drawn as the training windows of the instrument have them."""
    _, known = pool(windows.takes.instrument)
    codes = relative(known.chords, known.tonic, -1)[:, :4].tolist()
    lines = ChordLines.learn(zip(known.minor.tolist(), codes, strict=True))
    rng = np.random.default_rng(17)
    drawn = torch.zeros_like(request.chords)
    for row, (minor, bars) in enumerate(zip(request.minor.tolist(), request.bars.tolist(), strict=True)):
        drawn[row, :bars] = torch.tensor(lines.draw(minor, bars, rng))
    return replace(request, chords=relative(drawn, request.tonic, 1))


def borrowed(windows: NoteWindows, request: Request, seed: int = 23) -> Request:
    """The request with chords, thickness, reach and plan of training windows that were asked nearly the same."""
    _, known = pool(windows.takes.instrument)
    rng = np.random.default_rng(seed)
    chosen = torch.tensor([_like(request, row, known, rng) for row in range(len(request.bars))])
    one = known.rows(chosen)
    chords = (
        relative(relative(one.chords, one.tonic, -1), request.tonic, 1) if (request.tonic >= 0).all() else one.chords
    )
    return replace(request, chords=chords, thickness=one.thickness, reach=one.reach, plan=one.plan)


def _like(request: Request, row: int, known: Request, rng: np.random.Generator) -> int:
    """A training window in the metre of a request, nearer ones likelier."""

    def away(name: str) -> torch.Tensor:
        return (getattr(known, name) - getattr(request, name)[row]).abs().float()

    cost = FAR_DENSITY * away("density") + FAR_REGISTER * away("register") + FAR_TEMPO * away("tempo")
    cost += OTHER_MODE * (away("minor") > 0) + OTHER_GENRE * (away("genre") > 0)
    cost += torch.where(known.bar_steps == request.bar_steps[row], 0.0, 50.0)
    share = torch.softmax(-cost.double(), 0).numpy()
    return int(rng.choice(len(share), p=share / share.sum()))
