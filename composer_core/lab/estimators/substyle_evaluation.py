"""Whether a drum take's sub-style can be told from the rest of its family: measured on sessions left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from composer_core.estimate.classifiers.calibration import calibration_error
from composer_core.estimate.genre import classifier
from composer_core.lab.estimators.data import DrumTake
from composer_core.music.genre import family_of

LEAST_SESSIONS = 2
"""In one session alone, style, drummer, kit and room are one thing: nothing can be learnt of the style."""
_OTHERS = "others"


def substyles(takes: Sequence[DrumTake], rows: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Sub-styles with at least ten takes: takes, sessions, and where two sessions or more play them F1 of telling
    them from the other takes of the family, F1 of always saying so, and calibration error; else None.

    `rows` are the takes' features (`genre.Example.row`). Same model and folds as the families'.
    """
    counts = Counter(take.style for take in takes)
    found: dict[str, dict[str, Any]] = {}
    for code in sorted(
        code for code, count in counts.items() if code != family_of(code) and count >= classifier.MIN_TAKES
    ):
        own = [(take, row) for take, row in zip(takes, rows, strict=True) if family_of(take.style) == family_of(code)]
        sessions = {take.session for take, _ in own if take.style == code}
        made: dict[str, Any] = {"takes": counts[code], "sessions": len(sessions), "family": len(own)}
        made |= {"f1": None, "always_yes_f1": None, "calibration_error": None}
        others = len(own) - counts[code]
        if len(sessions) >= LEAST_SESSIONS and others >= classifier.MIN_TAKES:
            made |= _told_apart(code, own)
        found[code] = made
    return found


def _told_apart(code: str, own: Sequence[tuple[DrumTake, Any]]) -> dict[str, Any]:
    examples = [
        classifier.Example(row, code if take.style == code else _OTHERS, take.session, take.is_beat)
        for take, row in own
    ]
    shares, truth, _ = classifier.held_out_shares(examples, (_OTHERS, code))
    said = shares.argmax(axis=1)
    share = float(truth.mean())
    return {
        "f1": round(float(classifier.f1_scores(said, truth, 2)[1]), 3),
        "always_yes_f1": round(2.0 * share / (1.0 + share), 3),
        "calibration_error": round(calibration_error(shares.max(axis=1), said == truth), 3),
    }
