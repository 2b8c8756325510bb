"""Let the labels of library loops say what their conditions are: whose value each field takes, and how many of each.

`Loop.extra` carries what the labels say (LABELS) from the library to the training windows. A field that no label
says is measured as for any other loop; one that people rejected or dispute is not given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.music.chords import Chord
from composer_core.music.genre import family_of
from composer_core.music.key import Key, parse_note_name
from composer_core.music.key_finding import likeliest_key
from composer_core.music.loop import Loop
from composer_core.music.timing import Meter
from composer_core.pipeline.known_labels import UNLABELLED, KnownLabels, copies_of, current_labels, known_labels
from composer_core.pipeline.library.loops import LOOP_ID
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.store import open_labels
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.model.composer.conditions import WindowCondition

LABELS = "labels"
"""Key of `Loop.extra`: the KnownLabels of a loop of the library."""
MEASURED, NOT_GIVEN, FILE = "measured", "not_given", "file"
"""Whom a condition's value is of where no label says it: the estimators and rules, nobody, or the MIDI file."""
COUNTED = ("valence", "arousal", "emotion", "genre", "key", "meter", "technique")
"""The rows of `label_counts`. `emotion` counts the loops whose valence or arousal a mood stands for."""
LabelCounts = dict[str, dict[str, int]]
"""By field and by whom the value is, of how many loops."""
LABEL_COUNTS, EMOTION_TABLE = "labels", "emotion_table"
"""Keys of the facts of a training and of its model: its `label_counts` and its `emotion_table`."""
EMOTION_COLUMNS = ("valence", "arousal", "tempo_bpm", "density", "minor")
_TABLE_ROWS, _DIGITS = 400, 3


def labels_of(loop: Loop) -> KnownLabels:
    """What the labels say of a loop; nothing for a loop that is not of the library."""
    return cast(KnownLabels, loop.extra.get(LABELS, UNLABELLED))


def with_labels(workspace: Workspace, loops: Sequence[Loop], say: Callable[[str], None] = lambda _: None) -> list[Loop]:
    """The loops of a library with what their labels, and those of their exact copies, say; in the metre that counts.

    A loop of a labelled metre that does not fit into it in whole bars is left out, and `say` gets how many are.
    """
    ids = [str(loop.extra[LOOP_ID]) for loop in loops]
    current = current_labels(open_labels(workspace), ids, copies_of(workspace))
    moods = vocabularies(workspace).moods
    labelled = [
        replace(loop, extra={**loop.extra, LABELS: known_labels(current.get(loop_id, {}), moods)})
        for loop_id, loop in zip(ids, loops, strict=True)
    ]
    kept = [fitting for loop in labelled if (fitting := _in_labelled_meter(loop)) is not None]
    if len(kept) < len(loops):
        say(f"left out: {len(loops) - len(kept)} loops whose labelled metre does not divide them into whole bars")
    return kept


def _in_labelled_meter(loop: Loop) -> Loop | None:
    labelled = labels_of(loop).text("meter")
    meter = loop.meter if labelled is None else Meter.parse(labelled)
    if meter == loop.meter:
        return loop
    bars, rest = divmod(loop.length_tick, meter.bar_tick)
    start_bar = loop.start_bar * loop.meter.bar_tick // meter.bar_tick
    return None if rest else replace(loop, meter=meter, bars=bars, start_bar=start_bar)


def labelled_key(labels: KnownLabels, weight: Callable[[], NDArray[np.float64]]) -> Key | None:
    """The labelled key; where only its tonic or only its mode is labelled, the other half as the notes suggest.

    None where neither is. `weight` gives the sounding time of each pitch class, (12,).
    """
    root, mode = labels.text("key_root"), labels.text("key_mode")
    if root is None and mode is None:
        return None
    number = None if root is None else parse_note_name(root)
    if number is not None and mode is not None:
        return Key(number, mode)
    return likeliest_key(weight(), number, mode)


def hides_key(labels: KnownLabels) -> bool:
    """Whether people rejected or dispute the key: notes are still written by the key that was found, but it is no
    condition."""
    return "key_root" in labels.refused or "key_mode" in labels.refused


def from_tonic(chords: Iterable[Chord | None], key: Key) -> tuple[Chord | None, ...]:
    """Chords as counted from C, for a condition that does not give its key."""
    return tuple(None if chord is None else chord.transposed(-key.root) for chord in chords)


def techniques_of(labels: KnownLabels, here: Sequence[str], in_whole: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The techniques of a window of a loop: those labelled, but not one that the rules hear elsewhere in the loop only.

    `here` and `in_whole` are what the rules hear in the window and in the whole loop.
    """
    if "technique" in labels.refused:
        return ()
    said = labels.codes("technique")
    if said is None:
        return here
    heard = set(in_whole())
    return tuple(code for code in said if code not in heard or code in here)


def label_counts(loops: Iterable[Loop]) -> LabelCounts:
    """Of how many loops each field of their conditions comes from whom.

    People are "human", data sets "import:NAME", estimators "model:NAME" and "rule:NAME". MEASURED is what training
    measures itself, FILE what the MIDI file says, NOT_GIVEN what nobody says, or people rejected or dispute.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
    for loop in loops:
        labels = labels_of(loop)
        for name in COUNTED:
            if not (loop.is_drums and name == "key"):
                counts[name].update(_whom(labels, name))
    return {name: dict(found.most_common()) for name, found in counts.items() if found}


def _whom(labels: KnownLabels, name: str) -> list[str]:
    if name == "emotion":
        return sorted({labels.who[part] for part in labels.by_emotion})
    if name == "key":
        if hides_key(labels):
            return [NOT_GIVEN]
        said = [labels.who[part] for part in ("key_root", "key_mode") if part in labels.who]
        return said[:1] or [MEASURED]
    if name in labels.who:
        return [labels.who[name]]
    nobody = {"genre": NOT_GIVEN, "meter": FILE}.get(name, MEASURED)
    return [NOT_GIVEN if name in labels.refused and name != "meter" else nobody]


def counts_in_words(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One line a field for the command: "arousal: 300 human, 12 measured"."""
    return [
        f"{name}: " + ", ".join(f"{number} {who.replace('_', ' ')}" for who, number in found.items())
        for name, found in counts.items()
    ]


def teaches_emotion(counts: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether anybody's labels say valence or arousal of any loop."""
    return any(set(counts.get(name, ())) - {MEASURED, NOT_GIVEN} for name in ("valence", "arousal"))


def taught_by_labels(facts: Mapping[str, object]) -> tuple[str, ...]:
    """Of valence and arousal those that a model learnt from labels for at least half of its loops.

    `facts` are those saved with the model. What it means by them, the estimator does not measure.
    """
    counts = cast(Mapping[str, Mapping[str, int]], facts.get(LABEL_COUNTS, {}))
    found = {name: counts[name] for name in ("valence", "arousal") if name in counts}
    others = {name: sum(own.get(who, 0) for who in (MEASURED, NOT_GIVEN)) for name, own in found.items()}
    return tuple(name for name, own in found.items() if 2 * others[name] <= sum(own.values()))


def emotion_table(conditions: Iterable[WindowCondition]) -> dict[str, list[list[float | None]]]:
    """Rows of EMOTION_COLUMNS by instrument, out of the conditions a model learns from; at most 400, spread evenly.

    They say which density and mode go with which emotion in the music that the model knows, by its labels. `minor` is
    1 or 0; None is not given.
    """
    rows: dict[str, list[list[float | None]]] = {}
    for asked in conditions:
        density = asked.continuous["density"]
        if density is not None and np.isfinite(density):
            minor = None if asked.key is None else float(asked.key.is_minor)
            row = [*(asked.continuous[name] for name in EMOTION_COLUMNS[:-1]), minor]
            rows.setdefault(asked.instrument, []).append([None if v is None else round(float(v), _DIGITS) for v in row])
    return {
        instrument: [found[i] for i in np.linspace(0, len(found) - 1, min(len(found), _TABLE_ROWS)).round().astype(int)]
        for instrument, found in rows.items()
    }


def unheard(loops: Iterable[Loop], genres: Collection[str], techniques: Collection[str]) -> dict[str, dict[str, int]]:
    """Labelled genres and techniques that a model has no place for, and of how many loops they are.

    A genre is heard as its family where the model knows that.
    """
    found: dict[str, Counter[str]] = {"genre": Counter(), "technique": Counter()}
    for loop in loops:
        labels, played = labels_of(loop), f"{loop.instrument}:"
        found["genre"].update(c for c in labels.weights("genre") if not {c, family_of(c)} & set(genres))
        found["technique"].update(c for c in labels.codes("technique") or () if played + c not in techniques)
    return {name: dict(counts.most_common()) for name, counts in found.items() if counts}
