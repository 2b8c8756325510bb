"""Labels to files and back again, and what is not a file of labels."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from composer_core.errors import ComposerError, InvalidValue
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.files import FORMATS, export_labels, import_label_file
from composer_core.pipeline.labels.predecessor import _confidence
from composer_core.pipeline.library import loops
from composer_core.workspace import Workspace

VALUES: dict[str, Any] = {
    "emotion_valence": -0.5,
    "emotion_arousal": 0.75,
    "emotion": "fear",
    "genre": {"rock": 0.75, "funk": 0.25},
    "technique": ["ghost", "ride"],
    "quality": 4,
    "section": "chorus",
    "intensity": "high",
    "caption_ja": "=サビ前の、激しいドラム。",
}


def copy(made_library: Workspace, place: Path) -> Workspace:
    shutil.copytree(made_library.root, place)
    return Workspace(place)


def drum_loop(workspace: Workspace) -> str:
    table = loops.table(workspace)
    return str(table["loop_id"][table["instrument"] == "drums"].iloc[0])


@pytest.mark.parametrize("form", FORMATS)
def test_labels_come_back_as_they_were(made_library: Path, tmp_path: Path, form: str) -> None:
    here, there = copy(made_library, tmp_path / "here"), copy(made_library, tmp_path / "there")
    loop_id = drum_loop(here)
    decisions.decide(here, loop_id, rater="aki", action="approve", values=VALUES, seen={}, note="@note, 'quoted'")
    kept = {"tags": {"emotion", "section", "intensity"}, "mood": {"emotion"}}.get(form, set(VALUES))
    assert export_labels(here, tmp_path / "labels", form) == len(kept)
    report = import_label_file(there, tmp_path / "labels", form, "import:aki")
    assert (report.written, report.n_refused) == (len(kept), 0)
    assert decisions.current(there, loop_id).values == {name: VALUES[name] for name in kept}
    if form in ("csv", "jsonl", "label-studio"):
        assert decisions.current(there, loop_id).fields["emotion"].note == "@note, 'quoted'"
    again = import_label_file(there, tmp_path / "labels", form, "import:aki")
    assert (again.written, again.unchanged) == (0, len(kept))


def test_a_spreadsheet_runs_nothing(made_library: Path, tmp_path: Path) -> None:
    workspace = copy(made_library, tmp_path / "here")
    loop_id = drum_loop(workspace)
    decisions.decide(workspace, loop_id, rater="=cmd", action="approve", values={"quality": 3}, seen={}, note="=1+1")
    export_labels(workspace, tmp_path / "labels.csv", "csv")
    line = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()[1]
    assert not any(cell.startswith(("=", "+", "@")) for cell in line.split(","))


def test_the_predecessors_tags_are_read_with_little_confidence_in_automatic_moods(
    made_library: Path, tmp_path: Path
) -> None:
    workspace = copy(made_library, tmp_path / "here")
    (tmp_path / "tags.yaml").write_text(
        "meta: {tool: x}\n"
        '"files/=shuffle.mid": {bars: 4.0, bpm: 92.0, confidence_mood: 0.7, confidence_section: 0.5, '
        "intensity: medium, mode: drums, mood: relaxed, section: verse, tempo_fallback: false}\n"
        "files/none.mid: {mood: relaxed}\n"
        '"=shuffle.mid": {mood: neutral}\n',
        encoding="utf-8",
    )
    report = import_label_file(workspace, tmp_path / "tags.yaml", "tags", "import:composer4")
    assert (report.written, report.n_refused) == (3, 2)
    assert [refusal.code for refusal in report.refused] == ["path_missing", "unknown_choice"]
    table = loops.table(workspace)
    loop_id = table["loop_id"][table["source"].str.endswith("=shuffle.mid")].iloc[0]
    fields = decisions.current(workspace, str(loop_id)).fields
    assert {name: (label.value, label.confidence) for name, label in fields.items()} == {
        "emotion": ("calm", 0.1), "section": ("verse", 0.5), "intensity": ("medium", None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "a,b\n1,2\n"),
        ("csv", "loop_id,field,value,odd\nL,emotion,1,2\n"),
        ("jsonl", "not json\n"),
        ("jsonl", '{"loop_id": "L"}\n'),
        ("tags", "- a list\n"),
        ("tags", "a.mid: {mood: sad, colour: red}\n"),
        ("tags", "a: &x {mood: sad}\nb: *x\n"),
        ("tags", "a.mid: !!python/object/apply:os.system ['true']\n"),
        ("label-studio", "{}x"),
        ("label-studio", '[{"data": {}}]'),
    ],
)
def test_what_is_not_of_the_format_is_refused(made_library: Path, tmp_path: Path, form: str, text: str) -> None:
    workspace = copy(made_library, tmp_path / "here")
    (tmp_path / "file").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValue):
        import_label_file(workspace, tmp_path / "file", form)
    assert decisions.statuses(workspace) == {}


def test_bad_rows_are_refused_one_by_one(made_library: Path, tmp_path: Path) -> None:
    workspace = copy(made_library, tmp_path / "here")
    loop_id = drum_loop(workspace)
    rows = [
        f'{loop_id},emotion,"""sad""",',
        f"{loop_id},emotion,joyous,",
        f"{loop_id},quality,3,sure",
        "X,quality,3,0.5",
    ]
    (tmp_path / "l.csv").write_text("loop_id,field,value,confidence\n" + "\n".join(rows) + "\n", encoding="utf-8")
    report = import_label_file(workspace, tmp_path / "l.csv", "csv")
    assert (report.rows, report.written, report.n_refused) == (4, 1, 3)
    with pytest.raises(ComposerError):
        import_label_file(workspace, tmp_path / "nothing.csv", "csv")


@pytest.mark.parametrize("value", ["high", [1], {}])
def test_a_confidence_that_is_no_number_is_refused_by_name(value):
    with pytest.raises(InvalidValue, match="confidence_mood"):
        _confidence("confidence_mood", value)
    assert _confidence("confidence_mood", None) is None
    assert _confidence("confidence_mood", "0.5") == 0.5
