"""Any subset of labels comes back from its vector and its tokens; what is unknown stays unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer_core.errors import InvalidValue
from composer_core.pipeline.exports.label_encoding import label_code
from composer_core.pipeline.vocabularies import vocabularies

WORDS = vocabularies()
CODE = label_code("drums")


@st.composite
def genres(draw: st.DrawFn) -> dict[str, float]:
    codes = draw(st.lists(st.sampled_from(sorted(WORDS.genres)), min_size=1, max_size=3, unique=True))
    first = draw(st.integers(1, 98)) if len(codes) > 1 else 100
    second = draw(st.integers(1, 99 - first)) if len(codes) > 2 else 100 - first
    shares = (first, second, 100 - first - second)
    return {code: share / 100 for code, share in zip(codes, shares, strict=False) if share}


LABELS = st.fixed_dictionaries(
    {},
    optional={
        "emotion_valence": st.integers(-1000, 1000).map(lambda n: n / 1000),
        "emotion_arousal": st.integers(0, 1000).map(lambda n: n / 1000),
        "tempo_bpm": st.integers(30, 300).map(float),
        "quality": st.integers(1, 5),
        "emotion": st.sampled_from(sorted(WORDS.moods)),
        "genre": genres(),
        "technique": st.lists(st.sampled_from(sorted(WORDS.techniques["drums"])), unique=True).map(sorted),
        "key_root": st.sampled_from(["C", "Db", "F#"]),
        "meter": st.sampled_from(["4/4", "6/8"]),
        **{name: st.sampled_from(sorted(tags)) for name, tags in WORDS.tags.items()},
    },
)


@given(LABELS)
@settings(deadline=None, max_examples=60)
def test_labels_come_back_from_vector_and_tokens(labels: dict[str, Any]) -> None:
    vector = CODE.encode(labels)
    assert vector.shape == (CODE.width,) and np.abs(vector).max(initial=0.0) <= 1.0
    assert CODE.decode(vector) == labels
    assert CODE.from_tokens(CODE.tokens(labels)) == labels


def test_nothing_known_is_all_zeros_and_no_token() -> None:
    assert not CODE.encode({}).any() and CODE.tokens({}) == []
    assert CODE.decode(np.zeros(CODE.width)) == {} and CODE.from_tokens([]) == {}
    # Known to use no technique is not the same as not known.
    assert CODE.decode(CODE.encode({"technique": []})) == {"technique": []}


def test_what_has_no_slot_is_refused() -> None:
    for labels in ({"mood": "sad"}, {"emotion": "joyous"}, {"technique": ["slap"]}, {"meter": "13/8"}):
        with pytest.raises(InvalidValue):
            CODE.encode(labels)
    with pytest.raises(InvalidValue):
        CODE.decode(np.zeros(3))
    with pytest.raises(InvalidValue):
        CODE.from_tokens(["Mood_sad"])


def test_thirds_come_back_as_near_as_hundredths_allow() -> None:
    thirds = {"genre": {"rock": 1 / 3, "funk": 1 / 3, "jazz": 1 / 3}}
    assert CODE.from_tokens(CODE.tokens(thirds))["genre"] == pytest.approx(thirds["genre"], abs=0.005)
