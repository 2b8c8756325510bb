"""Which current labels are learnt from and told, and what they say of a loop's condition.

One rule for training, adapters, evaluation, performers, the master data set, pairs and captions. The store decides
whose label is the current one: an approved label of a person, then any other label of a person, a data set's, a
model's, a rule's. Such a label is known unless it was rejected, raters dispute it, or a machine or a data set gave
it with less than LEAST_CONFIDENCE. What was rejected or is disputed stays not given: a machine's value does not come
back through the rear door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer_core.store.labels.records import LabelValue
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import HUMAN, IMPORT, CurrentLabel
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.music.affect import Mood

LEAST_CONFIDENCE = 0.5
"""A label of a machine or a data set that is less sure than this is as likely wrong as right, and teaches nothing."""
FIELD_OF_LABEL = {
    "emotion_valence": "valence",
    "emotion_arousal": "arousal",
    "genre": "genre",
    "key_root": "key_root",
    "key_mode": "key_mode",
    "meter": "meter",
    "technique": "technique",
}
"""Label fields, and the part of a condition each says. `emotion` says valence and arousal, by its mood's anchor."""
_REFUSED = ("rejected", "disputed")


def is_refused(label: CurrentLabel) -> bool:
    """Whether people said that the value is wrong, or contradict each other about it: the field is then not given."""
    return label.status in _REFUSED or label.value is None


def is_known(label: CurrentLabel, least_confidence: float = LEAST_CONFIDENCE) -> bool:
    """Whether a label is learnt from and told. A source that gives no confidence is taken at its word."""
    return not is_refused(label) and (label.confidence is None or label.confidence >= least_confidence)


def _beats_the_file(label: CurrentLabel) -> bool:
    return label.source.partition(":")[0] in (HUMAN, IMPORT)


def counted_meter(labels: Mapping[str, CurrentLabel], file_meter: str) -> tuple[str, CurrentLabel | None]:
    """The metre that counts, and the label that says it (None: the file does).

    A file's own time signature is a statement about the music as a data set's is. So people and data sets come
    before it, and what machines suggest from the notes comes after it.
    """
    label = labels.get("meter")
    if label is not None and is_known(label) and _beats_the_file(label):
        return str(label.value), label
    return file_meter, None


def who_says(source: str) -> str:
    """Who a label is of, without a person's name: "human", or the source itself ("import:emopia", "model:key@1")."""
    return HUMAN if source.partition(":")[0] == HUMAN else source


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """What the labels of one loop say of its condition.

    `values` by condition field: valence -1 to 1, arousal 0 to 1, genre (weights by code), key_root (a name of
    ROOT_NAMES), key_mode, meter ("6/8"), technique (codes). `who` says each (see `who_says`). `refused` are the
    fields that were rejected or are disputed, `by_emotion` those of valence and arousal that a mood stands for.
    """

    values: Mapping[str, LabelValue] = field(default_factory=dict)
    who: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    by_emotion: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return not self.values and not self.refused

    def text(self, name: str) -> str | None:
        """The value of a field that holds a code; None where none is known."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def number(self, name: str) -> float | None:
        """The value of a field that holds a number; None where none is known."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else None

    def codes(self, name: str) -> tuple[str, ...] | None:
        """The codes of a field that holds some, without weights; None where none are known."""
        value = self.values.get(name)
        return tuple(value) if isinstance(value, list | tuple | Mapping) else None

    def weights(self, name: str) -> dict[str, float]:
        """The weights by code; empty where none are known."""
        value = self.values.get(name)
        return dict(value) if isinstance(value, Mapping) else {}


UNLABELLED = KnownLabels()


def known_labels(labels: Mapping[str, CurrentLabel], moods: Mapping[str, Mood]) -> KnownLabels:
    """What the current labels of a loop (by label field) say of its condition.

    A mood stands for the valence and the arousal of its anchor wherever its label comes before theirs: a person's
    `sad` counts more than a model's valence, and less than a valence of that person.
    """
    values: dict[str, LabelValue] = {}
    who: dict[str, str] = {}
    refused, by_emotion = set(), set()
    for name, part in FIELD_OF_LABEL.items():
        label = labels.get(name)
        if label is not None and is_refused(label):
            refused.add(part)
        elif label is not None and is_known(label) and (part != "meter" or _beats_the_file(label)):
            values[part], who[part] = label.value, who_says(label.source)
    mood = labels.get("emotion")
    if mood is not None and is_known(mood) and mood.value in moods:
        anchor = moods[str(mood.value)]
        for name, part in (("emotion_valence", "valence"), ("emotion_arousal", "arousal")):
            rival = labels.get(name)
            if rival is None or mood.rank < rival.rank or (part not in values and part not in refused):
                values[part], who[part] = getattr(anchor, part), who_says(mood.source)
                refused.discard(part)
                by_emotion.add(part)
    return KnownLabels(values, who, frozenset(refused), frozenset(by_emotion))


def with_labels_of_copies(
    current: Mapping[str, Mapping[str, CurrentLabel]], copies: Iterable[Sequence[str]]
) -> dict[str, Mapping[str, CurrentLabel]]:
    """The current labels by loop, where exact copies share theirs: it is the same music under other file names.

    `copies` holds the ids of each set of copies. Of a field that several of them have, the label that comes first by
    the store's precedence counts, the newest of equals.
    """
    shared = dict(current)
    for ids in copies:
        found: dict[str, CurrentLabel] = {}
        for loop_id in ids:
            for name, label in current.get(loop_id, {}).items():
                rival = found.get(name)
                if rival is None or (label.rank, -label.event_id) < (rival.rank, -rival.event_id):
                    found[name] = label
        shared |= dict.fromkeys(ids, found) if found else {}
    return shared


def copies_of(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """By loop the ids of all loops with its very content, itself among them; only loops that have a copy."""
    table = LoopStore(workspace).table(["loop_id", "content_hash"])
    found: dict[str, list[str]] = {}
    for loop_id, content in zip(table["loop_id"].tolist(), table["content_hash"].tolist(), strict=True):
        found.setdefault(content, []).append(loop_id)
    return {loop_id: tuple(ids) for ids in found.values() if len(ids) > 1 for loop_id in ids}


def current_labels(
    store: LabelStore, loop_ids: Sequence[str], copies: Mapping[str, Sequence[str]]
) -> dict[str, Mapping[str, CurrentLabel]]:
    """The current labels of loops, with those of their copies (see `copies_of` and `with_labels_of_copies`)."""
    wanted = dict.fromkeys(one for loop_id in loop_ids for one in copies.get(loop_id, (loop_id,)))
    groups = dict.fromkeys(tuple(copies[loop_id]) for loop_id in loop_ids if loop_id in copies)
    return with_labels_of_copies(store.view(list(wanted)), groups)
