"""`composer estimate` as a person types it."""

import json
from pathlib import Path

import pytest

import small_library
from composer_core.cli import main
from composer_core.pipeline import labelling, library
from composer_core.workspace import Workspace

FIELDS = {"valence", "arousal", "emotion", "genre", "key_root", "key_mode", "meter", "technique"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return small_library.make_library(tmp_path_factory.mktemp("library"))


def test_show_gives_every_field_in_one_form_and_stores_nothing(workspace, tmp_path, capsys):
    source = next(iter(sorted((workspace.root.parent / "files").glob("*.mid"))))
    missing = str(tmp_path / "nowhere.mid")
    assert main(["estimate", "show", str(source), missing, "--workspace", str(tmp_path / "other"), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["files"]
    assert set(first) == set(second) == {"path", "error", *FIELDS}
    assert (first["path"], first["error"], second["error"]["code"]) == (str(source), None, "path_missing")
    for entry in (first, second):
        for name in FIELDS:
            assert set(entry[name]) == {"value", "confidence", "reasons"}
            assert 0.0 <= entry[name]["confidence"] <= 1.0
    assert second["valence"] == {"value": None, "confidence": 0.0, "reasons": []}
    assert -1 <= first["valence"]["value"] <= 1 and first["valence"]["reasons"]
    assert not (tmp_path / "other" / "labels.sqlite").exists()


def test_apply_fills_what_is_missing_and_never_a_persons_field(workspace, capsys):
    loop_id = next(iter(library.table(workspace)["loop_id"]))
    seen = labelling.current(workspace, loop_id).seen
    labelling.decide(workspace, loop_id, rater="aki", action="approve", values={"emotion": "sad"}, seen=seen)
    assert main(["estimate", "apply", "--workspace", str(workspace.root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["loops"] == small_library.N_LOOPS
    assert report["stored"]["emotion"] == small_library.N_LOOPS - 1
    assert report["stored"]["emotion_valence"] == small_library.N_LOOPS
    labels = labelling.current(workspace, loop_id)
    assert labels.values["emotion"] == "sad" and "emotion_valence" in labels.values
    assert main(["estimate", "apply", "--workspace", str(workspace.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stored"] == {}


def test_unknown_fields_kinds_and_paths_are_refused(workspace, tmp_path, capsys):
    root = str(workspace.root)
    assert main(["estimate", "apply", "--workspace", root, "--field", "mood"]) == 2
    assert main(["estimate", "train", "genre", "--data", "library", "--instrument", "piano", "--workspace", root]) == 2
    assert main(["estimate", "evaluate", "--data", str(tmp_path / "nowhere")]) == 1
    assert main(["estimate", "evaluate", "--data", str(tmp_path)]) == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.slow
def test_training_on_rated_clips_is_one_command_and_is_used_at_once(tmp_path, capsys):
    data = Path(__file__).resolve().parents[3] / "shared" / "data" / "nc" / "emopia"
    if not data.is_dir():
        pytest.skip(f"{data} is not there")
    root = str(tmp_path)
    assert main(["estimate", "train", "emotion", "--data", str(data), "--workspace", root]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["held_out"]["four_quadrants"] >= 0.70
    assert figures["figures"]["arousal"]["accuracy"] >= 0.885
    assert figures["figures"]["valence"]["accuracy"] >= 0.78
    clip = next(iter(sorted(data.rglob("Q1*.mid"))))
    assert main(["estimate", "show", str(clip), "--workspace", root, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["valence"]["value"] > 0
