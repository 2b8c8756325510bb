"""`composer generate` and `composer train` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from composer_core.cli import main

ASK = ["generate", "--instrument", "drums", "--bars", "2", "--tempo", "104", "--swing", "58", "--seed", "7"]


def test_one_file_a_take_and_one_json_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        *ASK,
        "--valence",
        "0.4",
        "--arousal",
        "0.8",
        "--genre",
        "funk",
        "--takes",
        "2",
        "-o",
        str(tmp_path),
        "--json",
    ]
    assert main(command) == 0
    takes = json.loads(capsys.readouterr().out)["takes"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["take-01.mid", "take-02.mid"]
    assert [Path(take["file"]).name for take in takes] == ["take-01.mid", "take-02.mid"]
    first = takes[0]
    assert first["condition"]["swing_percent"] == 58.0
    assert first["measured"]["bars"] == 2
    assert first["measured"]["tempo_bpm"] == pytest.approx(104.0, abs=0.001)
    assert first["model_hash"]
    assert first["seed"] == 7
    assert first["seconds"] > 0


def test_the_same_command_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main([*ASK, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a" / "take-01.mid").read_bytes() == (tmp_path / "b" / "take-01.mid").read_bytes()


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--valence", "3"], 2, "valence is 3.0"),
        (["--tempo", "0"], 2, "tempo is 0.0"),
        (["--tempo", "nan"], 2, "finite"),
        (["--bars", "0"], 2, "bars is 0"),
        (["--bars", "12"], 2, "bars is 12; the choices are 1, 2, 4, 8"),
        (["--meter", "2/4"], 2, "metre is '2/4'; the choices are 4/4, 3/4, 6/8, 5/4, 7/8"),
        (["--meter", "12/8"], 2, "metre is '12/8'; the choices are"),
        (["--meter", "9/8"], 2, "metre is '9/8'; the choices are"),
        (["--swing", "95"], 2, "swing is 95.0"),
        (["--swing-grid", "12"], 2, "swing grid is 12"),
        (["--humanise", "101"], 2, "humanise is 101.0"),
        (["--genre", "polkacore"], 2, "polkacore"),
        (["--genre", "funk=0.7,jazz=0.7"], 2, "do not add up"),
        (["--meter", "five"], 2, "five"),
        (["--takes", "0"], 2, "takes is 0"),
        (["--model", "nonesuch"], 1, "nonesuch does not exist"),
        (["--instrument", "other"], 2, "instrument is 'other'"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int, words: str
) -> None:
    out = tmp_path / "out"
    assert main([*ASK, *options, "-o", str(out)]) == status
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_an_unknown_option_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*ASK, "--loudness", "11", "-o", str(tmp_path)])
    assert stopped.value.code == 2


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main([*ASK, "-o", str(tmp_path / "file" / "out")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_training_data_that_does_not_exist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--instrument", "drums", "--data", str(tmp_path / "none"), "-o", str(tmp_path / "run")]
    assert main(command) == 1
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_field_of_a_configuration_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "train.yaml"
    config.write_text("dropuot: 0.2\n")
    command = [
        "train",
        "--instrument",
        "drums",
        "--data",
        str(tmp_path),
        "--config",
        str(config),
        "-o",
        str(tmp_path / "r"),
    ]
    assert main(command) == 2
    assert "dropuot" in capsys.readouterr().err
