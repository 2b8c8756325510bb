"""An approved take is a labelled loop: what was asked for is what it is."""

import numpy as np
import pytest

from composer_core.errors import InvalidValue
from composer_core.music.condition import Condition
from composer_core.music.key import Key
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.generation.approval import approve_takes, request_labels, standings
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library.loops import add_generated, table
from composer_core.store.takes import Take
from composer_core.workspace import Workspace

ROWS = [(bar * 1920 + beat * 480, 400, 40 + 3 * beat, 90) for bar in range(2) for beat in range(4)]
LOOP = Loop("bass", Notes.from_rows(ROWS), 2, 96.0, program=33)
ASKED = Condition(
    "bass", 2, tempo_bpm=110.0, valence=0.25, genre={"funk": 1.0}, key=Key(1, "dorian"), technique=("slap",)
)


def take_of(condition: Condition, take_id: str = "t1") -> Take:
    return Take(take_id, condition, 1, 0, "m", "h", LOOP, np.zeros(len(ROWS)), 0.1)


def test_only_what_was_given_becomes_a_label():
    assert request_labels(ASKED, LOOP) == {
        "emotion_valence": 0.25,
        "genre": {"funk": 1.0},
        "technique": ["slap"],
        "key_root": "Db",
        "key_mode": "dorian",
        "meter": "4/4",
        "tempo_bpm": 96.0,  # as it sounds, not as it was asked first
    }
    assert set(request_labels(Condition("bass", 2), LOOP)) == {"meter", "tempo_bpm"}


def test_an_approved_take_is_in_the_library_with_its_labels(tmp_path):
    workspace = Workspace(tmp_path).create()
    (loop_id,) = approve_takes(workspace, [(LOOP, take_of(ASKED))], "mika")
    assert table(workspace)["loop_id"].tolist() == [loop_id]
    labels = decisions.current(workspace, loop_id)
    assert labels.status == "approved"
    assert labels.values["genre"] == {"funk": 1.0} and labels.fields["genre"].source == "human:mika"
    again = approve_takes(workspace, [(LOOP, take_of(ASKED))], "mika")
    assert again == [loop_id] and len(table(workspace)) == 1


def test_a_rater_no_label_can_carry_stores_nothing(tmp_path):
    workspace = Workspace(tmp_path).create()
    with pytest.raises(InvalidValue):
        approve_takes(workspace, [(LOOP, take_of(ASKED))], "")
    assert not len(table(workspace))


def test_what_became_of_takes_is_told_by_their_ids(tmp_path):
    workspace = Workspace(tmp_path).create()
    assert standings(workspace, ["t1"]) == {}
    add_generated(workspace, [(LOOP, "t1")])
    approve_takes(workspace, [(LOOP, take_of(ASKED, "t2"))], "mika")
    assert standings(workspace, ["t1", "t2", "t3"]) == {"t1": "kept", "t2": "approved"}
