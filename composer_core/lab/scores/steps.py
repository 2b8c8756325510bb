"""Keep what a calibration measures, so that a run that was stopped, or is repeated, measures nothing twice.

A step is kept under a digest of everything it was made of: the notes of the loops, what was asked, and the code
that damages and measures. Another reading of the files, or a changed metric, is another step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import composer_core
from composer_core.music.loop import Loop
from composer_core.store.atomic import atomic_writer

FloatArray = NDArray[np.float64]
_CODE = ("music", "metrics", "rules", "lab/scores/examples.py")


class Steps:
    """The kept steps of a folder; None keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def rows(self, what: Sequence[object], make: Callable[[], FloatArray]) -> FloatArray:
        """The array that `make` gives, kept by `what`; StoreError when it cannot be written."""
        if self._folder is None:
            return make()
        name = hashlib.sha256("\n".join([_code_digest(), *map(str, what)]).encode()).hexdigest()[:32]
        path = self._folder / f"{name}.npy"
        if path.is_file():
            kept: FloatArray = np.load(path, allow_pickle=False)
            return kept
        made = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        with atomic_writer(path) as stream:
            np.save(stream, made, allow_pickle=False)
        return made


def loops_digest(loops: Sequence[Loop]) -> str:
    """SHA-256 over notes, place, metre, tempo and instrument of the loops, in their order."""
    found = hashlib.sha256()
    for loop in loops:
        kit = loop.drum_map if loop.is_drums else ""
        facts = (loop.instrument, kit, loop.source, loop.start_bar, loop.bars, loop.meter, f"{loop.tempo_bpm:.6g}")
        found.update(repr(tuple(map(str, facts))).encode())
        for column in loop.notes.columns():
            found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()


def array_digest(*arrays: NDArray[np.generic]) -> str:
    """SHA-256 over the values of arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


@cache
def _code_digest() -> str:
    """SHA-256 over the sources that decide what a step holds."""
    root = Path(composer_core.__file__).parent
    found = hashlib.sha256()
    for name in _CODE:
        path = root / name
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(source.read_bytes())
    return found.hexdigest()
