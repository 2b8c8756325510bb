"""`composer ingest` and `composer measure` as a person or a script calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import smf
from composer_core.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.mid").write_bytes(smf.drum_bars(8))
    (folder / "bad.mid").write_bytes(b"not midi")
    (folder / "note.txt").write_text("x")
    return folder


def test_ingest_prints_one_json_object(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(folder), "--workspace", str(tmp_path / "w"), "--json"]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["files_seen"], result["files_accepted"], result["files_skipped"]) == (2, 1, 1)
    assert [row["code"] for row in result["files_refused"]] == ["not_midi"]
    # Two loops of four bars with the same notes.
    assert (result["loops_added"], result["duplicates"]) == (2, {"exact": 1, "near": None})
    assert printed.err == ""


def test_ingest_for_a_reader(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(folder), "--workspace", str(tmp_path / "w"), "--bars", "8", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "bad.mid: no MIDI file" in out
    assert "1 of 2 files accepted, 1 skipped; 1 loops added" in out


def test_ingest_of_refused_files_alone(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(folder / "bad.mid"), "--workspace", str(tmp_path / "w"), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["files_refused"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nope.mid"], 1, "nope.mid does not exist"),
        (["a.mid", "--bars", "3"], 2, "bars is 3"),
        (["a.mid", "--bars", "0"], 2, "bars is 0"),
        (["a.mid", "--jobs", "0"], 2, "jobs is 0"),
        (["a.mid", "--workspace", "a.mid"], 1, "a.mid cannot be written"),
    ],
)
def test_ingest_wrong_usage(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    monkeypatch.chdir(folder)
    workspace = [] if "--workspace" in arguments else ["--workspace", "w"]
    assert main(["ingest", *arguments, *workspace]) == status
    printed = capsys.readouterr()
    assert said in printed.err and printed.out == ""
    assert not (folder / "w").exists()


@pytest.mark.parametrize("arguments", [["ingest"], ["ingest", "a.mid", "--no-such"], ["measure"]])
def test_unknown_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_the_default_workspace(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path / "mine"))
    assert main(["ingest", str(folder / "a.mid"), "--json"]) == 0
    assert (tmp_path / "mine" / "library" / "loops").is_dir()


def test_measure_json(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    assert main(["measure", "./a.mid", "bad.mid", "--bars", "0", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [entry["path"] for entry in files] == ["./a.mid", "bad.mid"]
    assert files[0]["error"] is None and files[1]["error"]["code"] == "not_midi" and files[1]["loops"] == []
    (loop,) = files[0]["loops"]
    facts = {"instrument", "start_bar", "bars", "tempo_bpm", "meter", "n_notes", "key", "metrics"}
    scores = {"scores", "explanation", "score_profile", "programmed_scores", "programmed_explanation"}
    assert set(loop) == facts | scores | {"drum_map"}
    assert files[0]["warnings"] == [] and loop["drum_map"] == "general_midi"
    assert set(loop["scores"]) == set(loop["explanation"]) and loop["explanation"]["total"]["worst_axis"]
    assert (loop["bars"], loop["n_notes"], loop["tempo_bpm"]) == (8, 32, 120.0)
    assert sorted(entry.name for entry in folder.iterdir()) == ["a.mid", "bad.mid", "note.txt"]


def test_measure_for_a_reader(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(folder / "a.mid")]) == 0
    out = capsys.readouterr().out
    assert "drums, bars 5 to 8, 4/4, 120.0 BPM, 16 notes; scores: total " in out
    assert "onset_density            1" in out and "undefined" in out


def test_measure_statuses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(folder / "bad.mid"), str(folder), "--json"]) == 1
    files = json.loads(capsys.readouterr().out)["files"]
    assert [entry["error"]["code"] for entry in files] == ["not_midi", "not_midi"]
    assert main(["measure", str(folder / "a.mid"), "--bars", "5"]) == 2
    assert main(["measure", str(folder / "a.mid"), "--drum-map", "nonsense"]) == 2
    assert main(["ingest", str(folder / "a.mid"), "--drum-map", "nonsense"]) == 2


def test_control_characters_in_names_are_shown_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\x1b[31m\n.mid").write_bytes(b"x")
    assert main(["measure", str(tmp_path / "a\x1b[31m\n.mid")]) == 1
    assert r"a\x1b[31m\n.mid: no MIDI file" in capsys.readouterr().out


def test_from_another_folder_with_plain_streams(folder: Path, tmp_path: Path) -> None:
    """A process of its own, ASCII streams, Japanese names, the working folder holding a trap for imports."""
    (tmp_path / "numpy.py").write_text("raise RuntimeError('imported from the working folder')")
    os.rename(folder / "a.mid", folder / "太鼓.mid")
    command = [sys.executable, "-P", "-c", "import sys; from composer_core.cli import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, "measure", "files/太鼓.mid", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["path"] == "files/太鼓.mid"


def test_measure_does_not_load_the_heavy_rooms(folder: Path) -> None:
    code = (
        "import sys; from composer_core.cli import main\n"
        f"assert main(['measure', {str(folder / 'a.mid')!r}, '--json']) == 0\n"
        "heavy = {'torch', 'transformers', 'miditok', 'streamlit', 'plotly', 'sqlalchemy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stderr.strip() == "[]"
