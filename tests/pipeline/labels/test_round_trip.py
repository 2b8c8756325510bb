"""Labels to a file and into another workspace: who said what, when and with which status comes back equal."""

from __future__ import annotations

import itertools
import shutil
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.files import export_labels, import_label_file, label_studio_configuration
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.labels.view import replay
from composer_core.workspace import Workspace
from small_library import ids

_NUMBER = itertools.count()
_NOTES = st.text(
    st.one_of(
        st.sampled_from("=+-@'\",;\t\r\n |\u2028\u2029\x85\ufeff"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    ),
    max_size=12,
)
_CAPTIONS = st.text(st.sampled_from(string.ascii_letters + "=+-@'\"[]{},;19 のリズム"), min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and text
)
_WEIGHTS = st.integers(0, 1000).map(
    lambda n: {"rock": n / 1000, "jazz": 1 - n / 1000} if 0 < n < 1000 else {"funk": 1.0}
)
_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "emotion": st.sampled_from(["happy", "sad", "calm"]),
        "emotion_valence": st.integers(-1000, 1000).map(lambda n: n / 1000),
        "genre": _WEIGHTS,
        "quality": st.integers(1, 5),
        "meter": st.sampled_from(["4/4", "6/8", "12/8"]),
        "section": st.sampled_from(["verse", "chorus"]),
        "caption_ja": _CAPTIONS,
        "tempo_bpm": st.integers(30000, 300000).map(lambda n: n / 1000),
    },
)
_RATERS = st.sampled_from(["aki", "=kim", "雨,宮"])
_DEED = st.one_of(
    st.tuples(st.sampled_from(["approve", "draft", "reject"]), st.integers(0, 4), _RATERS, _VALUES, _NOTES),
    st.tuples(st.just("suggest"), st.integers(0, 4), st.sampled_from(["model:m@1", "import:set"]), _VALUES, _NOTES),
    st.tuples(st.just("undo"), st.just(0), _RATERS, st.just({}), st.just("")),
)  # fmt: skip


def fresh(workspace: Workspace, folder: Path) -> Workspace:
    """The same library without labels."""
    place = folder / f"copy{next(_NUMBER)}"
    shutil.copytree(workspace.root, place, ignore=shutil.ignore_patterns("labels.sqlite*"))
    return Workspace(place)


def do(workspace: Workspace, deeds: list[tuple[str, int, str, dict[str, Any], str]]) -> None:
    for kind, number, who, values, note in deeds:
        loop_id = ids(workspace)[number]
        if kind == "undo":
            decisions.undo(workspace, who)
        elif kind == "suggest":
            machine = [
                Entry(loop_id, name, value, "suggested", 0.25) for name, value in values.items() if name != "quality"
            ]
            open_labels(workspace).add(who, machine, note)
        else:
            seen = decisions.current(workspace, loop_id).seen
            decisions.decide(workspace, loop_id, rater=who, action=kind, values=values, seen=seen, note=note)


def standing(workspace: Workspace) -> dict[Any, Any]:
    """What counts, and every opinion of people, without the ids."""
    found = {}
    for loop_id, fields in open_labels(workspace).standing().items():
        for name, events in fields.items():
            kept = [event for event in events if event is events[0] or event.kind == "human"]
            found[loop_id, name] = [
                (e.value, e.source, e.status, e.confidence, e.note, e.created_at) for e in kept
            ]  # fmt: skip
    return found


def seen_by_all(workspace: Workspace) -> dict[Any, Any]:
    return {
        (loop_id, name): (label.value, label.status, label.source, label.confidence, label.note)
        for loop_id, fields in replay(open_labels(workspace).events()).items()
        for name, label in fields.items()
    }


@pytest.mark.parametrize("form", ["spreadsheet", "csv", "jsonl", "label-studio"])
@settings(
    max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)
@given(deeds=st.lists(_DEED, max_size=6))
def test_what_comes_back_replays_equal(
    made_library: Workspace, tmp_path_factory: pytest.TempPathFactory, form: str, deeds: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    here, there = fresh(made_library, folder), fresh(made_library, folder)
    do(here, deeds)
    count = export_labels(here, folder / "labels", form)
    report = import_label_file(there, folder / "labels", form)
    assert (report.written, report.n_refused) == (count, 0), report.refused
    assert standing(there) == standing(here)
    assert seen_by_all(there) == seen_by_all(here)
    for workspace in (here, there):
        again = import_label_file(workspace, folder / "labels", form)
        assert (again.written, again.unchanged) == (0, count)
    export_labels(there, folder / "again", form)
    assert (folder / "again").read_bytes() == (folder / "labels").read_bytes()
    shutil.rmtree(folder)


@pytest.fixture
def pair(made_library: Workspace, tmp_path: Path) -> tuple[Workspace, Workspace]:
    return fresh(made_library, tmp_path), fresh(made_library, tmp_path)


def approve(workspace: Workspace, rater: str, value: str, number: int = 0) -> str:
    loop_id = ids(workspace)[number]
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": value}, seen=seen)
    return loop_id


def every_status(workspace: Workspace) -> None:
    """Labels of every status: each of the five a field can have, settled both ways, and one taken back."""
    first, second, third, fourth, fifth = ids(workspace)
    store = open_labels(workspace)
    for source in ("model:m@1", "rule:r", "import:set"):
        store.add(source, [Entry(first, "emotion_valence", 0.25, "suggested", 0.5)], "a reason")
    store.add("model:m@1", [Entry(first, "genre", {"jazz": 0.5, "rock": 0.5}, "suggested", 0.5)])

    def do_as(rater: str, action: str, loop_id: str, values: dict[str, Any]) -> None:
        seen = decisions.current(workspace, loop_id).seen
        decisions.decide(workspace, loop_id, rater=rater, action=action, values=values, seen=seen, note=f"{rater}'s")

    do_as("aki", "approve", second, {"emotion": "sad", "technique": [], "meter": "6/8", "caption_ja": "静か。"})
    do_as("aki", "draft", third, {"genre": {"funk": 1.0}, "quality": 2})
    do_as("kim", "reject", third, {"emotion": "happy", "emotion_arousal": 0.75})
    for rater, mood in (("aki", "sad"), ("kim", "happy")):
        for loop_id in (fourth, fifth):
            do_as(rater, "approve", loop_id, {"emotion": mood, "key_root": "C" if mood == "sad" else "D"})
    # On the fifth a third person settles: the mood as something else, the key as none of the two.
    do_as("mori", "approve", fifth, {"emotion": "calm"})
    do_as("mori", "reject", fifth, {"key_root": "C"})
    do_as("aki", "approve", first, {"quality": 4})
    decisions.undo(workspace, "aki")


@pytest.mark.parametrize("form", ["spreadsheet", "csv", "jsonl", "label-studio"])
def test_every_status_comes_back_and_replays_equal(
    pair: tuple[Workspace, Workspace], tmp_path: Path, form: str
) -> None:
    here, there = pair
    every_status(here)
    said = seen_by_all(here)
    assert {status for _, status, *_ in said.values()} == {
        "suggested", "draft", "approved", "rejected", "disputed",
    }  # fmt: skip
    statuses = {event.status for event in open_labels(here).events()}
    assert statuses == {"suggested", "draft", "approved", "rejected", "settled", "withdrawn"}
    count = export_labels(here, tmp_path / "labels", form)
    report = import_label_file(there, tmp_path / "labels", form)
    assert (report.written, report.n_refused) == (count, 0), report.refused
    assert seen_by_all(there) == said
    assert standing(there) == standing(here)
    assert import_label_file(there, tmp_path / "labels", form).written == 0
    assert seen_by_all(there) == said


def test_disputes_and_settlements_come_back(pair: tuple[Workspace, Workspace], tmp_path: Path) -> None:
    here, there = pair
    for number in (0, 1):
        approve(here, "aki", "sad", number)
        approve(here, "kim", "happy", number)
    approve(here, "mori", "calm", 1)
    export_labels(here, tmp_path / "l.csv", "spreadsheet")
    import_label_file(there, tmp_path / "l.csv", "spreadsheet")
    labels = [decisions.current(there, loop_id).fields["emotion"] for loop_id in ids(here)[:2]]
    assert [(label.status, label.value) for label in labels] == [("disputed", "happy"), ("approved", "calm")]
    assert decisions.raters(there) == ["aki", "kim", "mori"]
    assert decisions.progress(there, "kim").mine == 2


def test_imported_decisions_can_be_undone(pair: tuple[Workspace, Workspace], tmp_path: Path) -> None:
    here, there = pair
    loop_id = approve(here, "aki", "sad")
    export_labels(here, tmp_path / "l.jsonl", "jsonl")
    import_label_file(there, tmp_path / "l.jsonl", "jsonl")
    assert decisions.undo(there, "aki") is not None
    assert decisions.current(there, loop_id).values == {}


def test_a_file_never_takes_the_place_of_what_was_said_later(pair: tuple[Workspace, Workspace], tmp_path: Path) -> None:
    here, _ = pair
    loop_id = approve(here, "aki", "sad")
    export_labels(here, tmp_path / "l.csv", "csv")
    approve(here, "aki", "calm")
    report = import_label_file(here, tmp_path / "l.csv", "csv")
    assert (report.written, report.unchanged) == (0, 1)
    assert decisions.current(here, loop_id).values == {"emotion": "calm"}


@pytest.mark.parametrize("form", ["csv", "spreadsheet"])
def test_what_was_edited_in_the_file_is_not_put_into_the_raters_mouth(
    pair: tuple[Workspace, Workspace], tmp_path: Path, form: str
) -> None:
    here, _ = pair
    loop_id = approve(here, "aki", "sad")
    path = tmp_path / "l.csv"
    export_labels(here, path, form)
    path.write_bytes(path.read_bytes().replace(b"sad", b"calm"))
    report = import_label_file(here, path, form)
    assert (report.written, report.behind_people) == (1, 1)
    assert decisions.current(here, loop_id).fields["emotion"].source == "human:aki"
    assert [event.source for event in decisions.history(here, loop_id)] == ["human:aki", "import:l"]
    assert import_label_file(here, path, form).written == 0


def test_a_named_source_is_who_says_it_all(pair: tuple[Workspace, Workspace], tmp_path: Path) -> None:
    here, there = pair
    loop_id = approve(here, "aki", "sad")
    export_labels(here, tmp_path / "l.csv", "csv")
    import_label_file(there, tmp_path / "l.csv", "csv", "import:friends")
    label = decisions.current(there, loop_id).fields["emotion"]
    assert (label.source, label.status) == ("import:friends", "suggested")


def test_exports_of_earlier_releases_bring_their_approvals(made_library: Workspace, tmp_path: Path) -> None:
    there = fresh(made_library, tmp_path)
    first, second, *_ = ids(there)
    (tmp_path / "old.csv").write_text(
        "loop_id,field,value,source,status,confidence,note\n"
        f'{first},emotion_valence,\'-0.5,human:aki,approved,,\'=1+1\n{first},emotion,"""sad""",human:aki,approved,,\n'
        f'{second},genre,"{{""rock"": 0.75, ""funk"": 0.25}}",model:genre@1,suggested,0.5,\n',
        encoding="utf-8",
    )
    assert import_label_file(there, tmp_path / "old.csv", "csv").written == 3
    label = decisions.current(there, first).fields["emotion_valence"]
    assert (label.value, label.source, label.status, label.note) == (-0.5, "human:aki", "approved", "=1+1")
    assert decisions.current(there, second).fields["genre"].source == "model:genre@1"
    assert import_label_file(there, tmp_path / "old.csv", "csv").written == 0


def test_thousands_of_labels_come_back_in_batches(made_library: Workspace, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("composer_core.pipeline.labels.imports._BATCH", 3)
    here, there = fresh(made_library, tmp_path), fresh(made_library, tmp_path)
    for number in range(5):
        approve(here, "aki", "sad", number)
        approve(here, "kim", "calm", number)
    export_labels(here, tmp_path / "l.csv", "csv")
    assert import_label_file(there, tmp_path / "l.csv", "csv").written == 10
    assert standing(there) == standing(here)
    assert import_label_file(there, tmp_path / "l.csv", "csv").written == 0


def test_label_studio_tasks_hold_sound_title_configuration_and_predictions_apart(
    pair: tuple[Workspace, Workspace], tmp_path: Path
) -> None:
    import json
    from xml.etree import ElementTree

    here, there = pair
    loop_id = approve(here, "aki", "sad")
    LabelStore(here.labels).add("model:m@1", [Entry(loop_id, "genre", {"rock": 0.5, "funk": 0.5}, "suggested", 0.5)])
    export_labels(here, tmp_path / "t.json", "label-studio")
    (task,) = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert loop_id in task["data"]["audio"] and "bars" in task["data"]["title"]
    assert [result["from_name"] for one in task["annotations"] for result in one["result"]] == ["emotion"]
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("model:m@1", 0.5)
    assert task["meta"]["label_config"] == label_studio_configuration(here)
    controls = {one.get("name") for one in ElementTree.fromstring(task["meta"]["label_config"]) if one.get("toName")}
    assert {"emotion", "genre", "technique", "quality"} <= controls
    import_label_file(there, tmp_path / "t.json", "label-studio")
    assert standing(there) == standing(here)
    assert import_label_file(there, tmp_path / "t.json", "label-studio").written == 0
