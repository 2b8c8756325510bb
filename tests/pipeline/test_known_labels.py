"""Which labels count as known, and what they say of a condition."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.pipeline.known_labels import counted_meter, is_known, known_labels
from composer_core.pipeline.labels.captions import caption_values
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import LabelValue
from composer_core.store.labels.view import CurrentLabel, LabelEvent, replay

MOODS = vocabularies().moods


def label(
    value: LabelValue, source: str = "human:aki", status: str = "approved", confidence: float | None = None
) -> CurrentLabel:
    return CurrentLabel(value, status, 1, source, confidence, "")


def test_a_value_reaches_the_condition_under_the_fields_name_with_who_says_it() -> None:
    found = known_labels(
        {
            "emotion_arousal": label(0.1),
            "emotion_valence": label(-0.5, "import:emopia", "suggested", 0.6),
            "genre": label({"rock": 0.75, "funk": 0.25}, "human:kim", "draft"),
            "key_root": label("E", "model:key@1", "suggested", 0.9),
            "key_mode": label("dorian", "model:key@1", "suggested", 0.9),
            "technique": label(["ghost"], "rule:technique", "suggested", 0.8),
        },
        MOODS,
    )
    assert found.values == {
        "arousal": 0.1, "valence": -0.5, "genre": {"rock": 0.75, "funk": 0.25}, "key_root": "E", "key_mode": "dorian",
        "technique": ["ghost"],
    }  # fmt: skip
    # Names of people stay in the library; machines and data sets are named.
    assert found.who == {
        "arousal": "human", "valence": "import:emopia", "genre": "human", "key_root": "model:key@1",
        "key_mode": "model:key@1", "technique": "rule:technique",
    }  # fmt: skip
    assert not found.refused and not found.by_emotion


@pytest.mark.parametrize("status", ["rejected", "disputed"])
def test_what_people_refuse_or_dispute_is_not_given(status: str) -> None:
    value = None if status == "rejected" else 0.5
    labels = {"emotion_arousal": label(value, status=status)}
    found = known_labels(labels, MOODS)
    assert found.refused == {"arousal"} and not found.values
    assert caption_values(labels, {}) == {}


def test_a_label_surer_than_half_counts_and_one_less_sure_does_not() -> None:
    assert is_known(label("happy", "model:m@1", "suggested", 0.5))
    assert not is_known(label("happy", "model:m@1", "suggested", 0.49))
    assert is_known(label("happy", "import:set", "suggested", None))


def test_a_mood_gives_its_anchor_unless_a_label_of_the_same_rank_gives_the_number() -> None:
    sad = MOODS["sad"]
    machine = label(0.9, "model:emotion@1", "suggested", 0.9)
    found = known_labels({"emotion": label("sad"), "emotion_valence": machine, "emotion_arousal": label(0.7)}, MOODS)
    # The person's mood counts more than the model's valence, and their own arousal more than their mood's.
    assert (found.values["valence"], found.values["arousal"]) == (sad.valence, 0.7)
    assert found.by_emotion == {"valence"} and found.who["valence"] == "human"
    below = known_labels({"emotion": machine_mood("happy"), "emotion_valence": label(-0.5)}, MOODS)
    assert below.values["valence"] == -0.5 and below.values["arousal"] == MOODS["happy"].arousal
    # A refused number with an approved mood: the mood is the better word. With a machine's mood it stays refused.
    refused = label(None, status="rejected")
    assert known_labels({"emotion": label("sad"), "emotion_valence": refused}, MOODS).values["valence"] == sad.valence
    still = known_labels({"emotion": machine_mood("sad"), "emotion_valence": refused}, MOODS)
    assert "valence" not in still.values and still.refused == {"valence"}


def machine_mood(code: str) -> CurrentLabel:
    return label(code, "model:emotion@1", "suggested", 0.9)


def test_the_metre_of_people_and_data_sets_beats_the_files_and_a_machines_does_not() -> None:
    assert counted_meter({}, "4/4") == ("4/4", None)
    for source in ("human:aki", "import:ryans"):
        said = label("6/8", source, "suggested", 0.9)
        assert counted_meter({"meter": said}, "4/4") == ("6/8", said)
    for source in ("model:meter@1", "rule:meter"):
        assert counted_meter({"meter": label("6/8", source, "suggested", 0.99)}, "4/4") == ("4/4", None)
    assert counted_meter({"meter": label(None, status="rejected")}, "4/4") == ("4/4", None)
    told = caption_values({"meter": label("6/8", "model:meter@1", "suggested", 0.99)}, {"meter": "4/4"})
    assert told == {"meter": "4/4"}


_SOURCES = ("human:aki", "human:kim", "import:set", "model:m@1", "rule:r")
_SAID = st.tuples(
    st.sampled_from(_SOURCES), st.sampled_from(("approved", "draft")), st.integers(0, 8).map(lambda n: n / 8)
)


@given(st.lists(_SAID, min_size=1, max_size=8))
def test_the_value_is_the_one_the_store_puts_first(said: list[tuple[str, str, float]]) -> None:
    """Whoever speaks in whatever order: approved people, people, data sets, models, rules, the newest first."""
    number = itertools.count(1)
    events = [
        LabelEvent(
            next(number), "loop", "emotion_arousal", value, source, None, "", "", None,
            status if source.startswith("human") else "suggested",
        )
        for source, status, value in said
    ]  # fmt: skip
    newest = {event.source: event for event in events}
    order = {"human": 2, "import": 3, "model": 4, "rule": 5}

    def place(event: LabelEvent) -> tuple[int, int]:
        return (1 if event.status == "approved" else order[event.source.split(":")[0]], -event.id)

    first = min(newest.values(), key=place)
    current = replay(events)["loop"]
    found = known_labels(current, MOODS)
    if current["emotion_arousal"].status == "disputed":
        assert found.refused == {"arousal"}
    else:
        assert found.values["arousal"] == first.value
        assert found.who["arousal"] == ("human" if first.source.startswith("human") else first.source)
