"""Labels of library loops in the conditions a model learns from: each field, its windows, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.key_finding import likeliest_key
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import Meter
from composer_core.pipeline.generation.fill_in import fill_in, own_table
from composer_core.pipeline.generation.reranking import choose_best
from composer_core.pipeline.known_labels import KnownLabels
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.imports import LabelRow, import_labels
from composer_core.pipeline.training.labelled import (
    EMOTION_TABLE,
    LABELS,
    counts_in_words,
    emotion_table,
    label_counts,
    labels_of,
    taught_by_labels,
    techniques_of,
    unheard,
)
from composer_core.pipeline.training.permitted_sets import loops_of
from composer_core.pipeline.training.sources import genre_of, measured_condition, prepare_takes
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import open_labels
from composer_core.workspace import Workspace
from small_library import bass, ids, make_library, rock

C_SCALE = (0, 2, 4, 5, 7, 9, 11)


def labelled(loop: Loop, refused: tuple[str, ...] = (), **values: Any) -> Loop:
    known = KnownLabels(values, dict.fromkeys(values, "human"), frozenset(refused))
    return replace(loop, extra={**loop.extra, LABELS: known})


def asked_of(loop: Loop, start: int = 0, bars: int = 4) -> Any:
    (take,) = prepare_takes([loop], [loop.instrument])
    return measured_condition(take, start, bars)


def scale_line(pitch: int = 48) -> Loop:
    """Four bars of the C major scale in eighths, C on every downbeat."""
    rows = [(i * 240, 240, pitch + C_SCALE[i % 8 % 7], 90) for i in range(32)]
    return Loop("bass", Notes.from_rows(rows), 4, 100.0, program=33)


def test_valence_arousal_and_genre_are_the_labelled_ones_in_every_window() -> None:
    loop = labelled(rock(4), valence=-0.75, arousal=0.125, genre={"funk": 0.75, "rock": 0.25})
    for start, bars in ((0, 4), (2, 2), (3, 1)):
        asked = asked_of(loop, start, bars)
        assert (asked.continuous["valence"], asked.continuous["arousal"]) == (-0.75, 0.125)
        assert asked.genre == {"funk": 0.75, "rock": 0.25}
    plain = asked_of(rock(4))
    assert plain.continuous["arousal"] not in (None, 0.125) and not plain.genre
    # What is no matter of opinion stays as it was played.
    assert asked_of(loop).continuous["density"] == plain.continuous["density"]


def test_what_was_refused_is_not_given_and_no_estimate_takes_its_place() -> None:
    loop = labelled(replace(rock(4), extra={"genre": {"rock": 1.0}}), ("valence", "arousal", "genre", "technique"))
    asked = asked_of(loop)
    assert (asked.continuous["valence"], asked.continuous["arousal"]) == (None, None)
    assert genre_of(loop) == {} and asked.techniques == ()


def test_a_labelled_key_is_what_the_notes_are_written_from() -> None:
    found = asked_of(scale_line())
    assert found.key == Key(0, "major")
    asked = asked_of(labelled(scale_line(), key_root="A", key_mode="minor"))
    assert asked.key == Key(9, "minor")
    # A lies three semitones below C: the notes are written three higher, and the register with them.
    assert asked.continuous["register"] == pytest.approx(found.continuous["register"] + 3)
    # Only the tonic, or only the mode: the notes say the rest. Of the keys on A they fit A minor, of minor keys too.
    assert asked_of(labelled(scale_line(), key_root="A")).key == Key(9, "minor")
    assert asked_of(labelled(scale_line(), key_mode="minor")).key == Key(9, "minor")
    assert asked_of(labelled(scale_line(), key_root="C")).key == Key(0, "major")


def test_the_likeliest_key_is_among_those_that_fit_what_is_known() -> None:
    weight = np.zeros(12)
    weight[[0, 4, 7]] = (3.0, 2.0, 2.0)
    assert likeliest_key(weight, None, "major") == Key(0, "major")
    # The shares of C, E and G are largest in E minor among minor keys: tonic, third and sixth.
    assert likeliest_key(weight, 0, "minor") == Key(0, "minor")
    assert likeliest_key(weight, 2, "dorian") == Key(2, "dorian")
    assert likeliest_key(weight, None, "lydian").mode == "lydian"


def test_a_refused_key_hides_the_mode_and_leaves_chords_counted_from_the_tonic() -> None:
    d_major = replace(scale_line(50), extra={})
    found, hidden = asked_of(d_major), asked_of(labelled(d_major, ("key_mode",)))
    assert found.key == Key(2, "major") and hidden.key is None
    assert [None if one is None else one.transposed(-2) for one in found.chords] == list(hidden.chords)
    assert any(one == Chord(0, one.quality) for one in hidden.chords if one is not None)
    assert hidden.continuous["register"] == found.continuous["register"]


def test_a_technique_is_learnt_where_it_is_heard() -> None:
    known = KnownLabels({"technique": ["fill", "ghost", "ride"]})
    # The rules hear ride and fill in the whole loop, in this bar only ride; what they cannot hear is taken on trust.
    assert techniques_of(known, ("ride", "flam"), lambda: ("ride", "fill")) == ("ghost", "ride")
    assert techniques_of(KnownLabels(), ("ride",), lambda: ()) == ("ride",)
    assert techniques_of(KnownLabels({"technique": []}), ("ride",), lambda: ("ride",)) == ()


@pytest.fixture
def library(tmp_path: Path) -> Workspace:
    return make_library(tmp_path)


def test_a_library_says_whose_values_are_learnt(library: Workspace) -> None:
    first, second, third, fourth, fifth = ids(library)
    instruments = {one.extra["loop_id"]: one.instrument for one in loops_of(library, None)}
    (pitched,) = [name for name, instrument in instruments.items() if instrument == "bass"]
    drums = [name for name in (first, second, third, fourth, fifth) if name != pitched]
    approve = {"emotion": "sad", "genre": {"jazz": 1.0}, "technique": ["ghost"]}
    decisions.decide(library, drums[0], rater="aki", action="approve", values=approve, seen={})
    rows = [LabelRow(drums[0], "emotion_arousal", 0.9, 0.9), LabelRow(drums[1], "emotion_arousal", 0.9, 0.9)]
    rows += [LabelRow(drums[2], "emotion_arousal", 0.9, 0.2), LabelRow(drums[1], "genre", {"rock": 1.0})]
    import_labels(library, rows, "import:set")
    open_labels(library).add("model:key@1", [Entry(pitched, "key_root", "G", "suggested", 0.9)])
    decisions.decide(library, drums[3], rater="aki", action="reject", values={"emotion_valence": 0.5}, seen={})
    counts = label_counts(loops_of(library, None))
    assert counts == {
        # drums[0] has a mood, drums[2] a label below half sure; rejecting drums[3] rejects all that the form holds
        "valence": {"measured": 3, "human": 1, "not_given": 1},
        "arousal": {"measured": 2, "human": 1, "import:set": 1, "not_given": 1},
        "emotion": {"human": 1},
        "genre": {"not_given": 3, "human": 1, "import:set": 1},
        "key": {"model:key@1": 1},
        "meter": {"file": 5},
        "technique": {"measured": 3, "human": 1, "not_given": 1},
    }
    assert "key: 1 model:key@1" in counts_in_words(counts)
    assert "technique: 3 measured, 1 human, 1 not given" in counts_in_words(counts)
    assert all(sum(found.values()) == 5 for name, found in counts.items() if name not in ("emotion", "key"))
    assert taught_by_labels({"labels": counts}) == ()
    assert taught_by_labels({"labels": {"arousal": {"human": 3, "measured": 3}}}) == ("arousal",)
    assert taught_by_labels({}) == ()


def test_a_labelled_metre_bars_the_loop_anew_or_leaves_it_out(library: Workspace) -> None:
    whole = {str(one.extra["loop_id"]): one for one in loops_of(library, "drums")}
    (seven,) = [name for name, one in whole.items() if str(one.meter) == "7/8"]
    (shuffle,) = [name for name, one in whole.items() if round(one.tempo_bpm) == 92]
    decisions.decide(library, shuffle, rater="aki", action="approve", values={"meter": "2/4"}, seen={})
    decisions.decide(library, seven, rater="aki", action="approve", values={"meter": "3/4"}, seen={})
    told: list[str] = []
    found = {str(one.extra["loop_id"]): one for one in loops_of(library, "drums", told.append)}
    # Four bars of 4/4 are eight of 2/4. Fourteen quarters of 7/8 are no whole bars of 3/4.
    assert (found[shuffle].meter, found[shuffle].bars) == (Meter(2, 4), 8)
    assert found[shuffle].notes == whole[shuffle].notes
    assert seven not in found and len(told) == 1 and told[0].startswith("left out: 1 loops")
    assert asked_of(found[shuffle]).meter == Meter(2, 4)


def test_labels_a_model_has_no_place_for_are_counted() -> None:
    loops = [labelled(rock(4), genre={"jazz-bebop": 0.5, "funk": 0.5}, technique=["ghost", "ride"])] * 2
    found = unheard([*loops, bass()], ("funk",), ("drums:ghost",))
    assert found == {"genre": {"jazz-bebop": 2}, "technique": {"ride": 2}}
    assert unheard(loops, ("funk", "jazz"), ("drums:ghost", "drums:ride")) == {}


def test_open_fields_are_filled_in_from_what_the_labels_say() -> None:
    sparse, dense = scale_line(), replace(scale_line(), notes=scale_line().notes.select(slice(0, 32, 4)))
    calm = [asked_of(labelled(sparse, arousal=0.1, valence=0.5, key_root="A", key_mode="minor"))] * 8
    wild = [asked_of(labelled(dense, arousal=0.9, valence=-0.5, key_root="C", key_mode="major"))] * 8
    table = emotion_table([*calm, *wild])
    assert set(table) == {"bass"} and len(table["bass"]) == 16
    own = own_table({EMOTION_TABLE: table}, "bass")
    assert own is not None
    for seed in range(5):
        quiet = fill_in(Condition("bass", arousal=0.1), seed, own)
        loud = fill_in(Condition("bass", arousal=0.9), seed, own)
        # To these people eight notes a bar are calm and two are wild.
        assert (quiet.density, loud.density) == (2.0, 0.5)
        # A valence of 0.5 is minor to them, though major is what most music would take.
        assert fill_in(Condition("bass", valence=0.5), seed, own).key == Key(0, "minor")
        assert fill_in(Condition("bass", valence=-0.5), seed, own).key == Key(0, "major")
    assert own_table({EMOTION_TABLE: table}, "drums") is None and own_table({}, "bass") is None


def test_an_emotion_that_labels_taught_is_not_judged_by_the_estimator() -> None:
    few = rock(4).with_notes(rock(4).notes.select(rock(4).notes.onset_tick % 960 == 0))
    many, asked = rock(4), Condition("drums", arousal=0.05)
    assert choose_best(asked, [many, few]) == 1
    assert choose_best(asked, [many, few], unjudged=("arousal",)) == choose_best(Condition("drums"), [many, few])


def test_loops_of_a_folder_have_no_labels() -> None:
    assert labels_of(rock()).is_empty and label_counts([]) == {}
