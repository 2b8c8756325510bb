"""Training takes kept apart from those a model is stopped and judged by, near-duplicates included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from composer_core.music.loop import Loop
from composer_core.pipeline.library.duplicates import near_pairs
from composer_core.pipeline.training.sources import Take, window_of

PASSAGE_BARS = 4
FEWEST_NOTES = 8
"""Passages of fewer notes are alike by chance."""


def near_held_out(takes: Sequence[Take]) -> set[int]:
    """Indices of the training takes with a passage nearly the same as one of a dev or validation take.

    Passages of PASSAGE_BARS bars at every bar are compared as `composer dedupe` compares loops.
    The split is by source file; this finds what it parts all the same, such as a pattern played
    in two sessions. Held-out takes never change part, so that figures stay comparable.
    """
    held = [index for index, take in enumerate(takes) if take.part != "train"]
    order = held + [index for index, take in enumerate(takes) if take.part == "train"]
    owner = [index for index in order for _ in _passages(takes[index])]
    n_held = sum(takes[index].part != "train" for index in owner)
    # Held-out passages come first: of those with the same notes one of them stands for all.
    pairs, _ = near_pairs(loop for index in order for loop in _passages(takes[index]))
    near = {second for first, second, _ in pairs if first < n_held <= second}
    near |= {second for first, second, distance in pairs if first in near and not distance}
    return {owner[passage] for passage in near}


def _passages(take: Take) -> Iterator[Loop]:
    played = take.played
    for start in range(max(1, played.bars - PASSAGE_BARS + 1)):
        passage = window_of(played, start, min(PASSAGE_BARS, played.bars))
        if len(passage.notes) >= FEWEST_NOTES:
            yield passage
