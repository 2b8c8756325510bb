"""`composer models build`: a chain of recipes cut to a few steps on a few written songs, stopped and gone on with."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from composer_core.cli import main
from composer_core.cli.models import STOPPED
from composer_core.errors import InvalidValue, NotFound
from composer_core.lab.composer import building
from composer_core.lab.composer.building import EVALUATED_TAKES, build
from composer_core.lab.composer.card import reports_of
from composer_core.lab.composer.evaluation import Counts
from composer_core.lab.composer.recipes import RECIPES
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.models import SHIPPED, ModelInfo
from composer_core.pipeline.training.permitted_sets import PERMITTED_SETS
from composer_core.render.midi import loop_to_midi, loops_to_midi
from composer_core.store.atomic import read_json

FIRST, NAME = "composer-first", "composer-drums-tuned"
CUT: dict[str, Any] = {
    "size": "tiny",
    "merges": 8,
    "batch": 4,
    "steps": 6,
    "warm_up": 1,
    "validate_every": 2,
    "checkpoint_every": 2,
    "windows_an_instrument": 40,
    "precision": "float32",
    "device": "cpu",
}
TAKES = 10
"""The fewest that an evaluation takes."""
GMD = "cc-by/gmd"
TABLE = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,split\n"


def beat(number: int) -> Loop:
    """Four bars of kick and snare with hats on sixteenths drawn anew for each number."""
    rng = np.random.default_rng(number)
    hits = [(bar * 1920 + tick, pitch) for bar in range(4) for tick, pitch in ((0, 36), (480, 38), (1440, 38))]
    hits += [(int(step) * 120, 42) for step in sorted(rng.choice(64, 24, replace=False))]
    velocity = rng.integers(60, 110, len(hits))
    rows = [(tick, 40, pitch, int(loud)) for (tick, pitch), loud in zip(hits, velocity, strict=True)]
    return Loop("drums", Notes.from_rows(sorted(rows)), 4)


def tune(instrument: str, lowest: int, number: int) -> Loop:
    """Four bars of quarters on degrees of a major scale."""
    degrees = np.random.default_rng(number).choice([0, 2, 4, 5, 7, 9, 11], 16)
    return Loop(instrument, Notes.from_rows([(i * 480, 440, lowest + int(d), 90) for i, d in enumerate(degrees)]), 4)


def write_sets(root: Path) -> Path:
    """Every permitted set with a few songs; of the drummers' one take in four is held out."""
    for chosen in PERMITTED_SETS:
        (root / chosen.folder).mkdir(parents=True)
    rows = [f"drummer1,s,{i},rock,120,beat,4-4,{i}.mid,{'train' if i % 4 else 'validation'}\n" for i in range(12)]
    (root / GMD / "info.csv").write_text(TABLE + "".join(rows))
    for number in range(12):
        (root / GMD / f"{number}.mid").write_bytes(loop_to_midi(beat(number)))
    for place, chosen in enumerate(PERMITTED_SETS[1:]):
        for number in range(4):
            parts = [tune("piano", 60, 10 * place + number), tune("strings", 67, 50 + 10 * place + number)]
            (root / chosen.folder / f"{number}.mid").write_bytes(loops_to_midi(parts))
    return root


@dataclass(frozen=True)
class Built:
    """A build that was stopped at the first model's second step and gone on with by the command.

    Its figures are the shipped model's, for measuring takes a minute: the slow test does.
    """

    data: Path
    output: Path
    stopped: Path | None
    left: set[str]
    printed: str

    @property
    def model(self) -> Path:
        """The finished model's folder."""
        return self.output / NAME / "model"


@pytest.fixture(scope="module")
def cut() -> Iterator[None]:
    """The shipped models' recipes at a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (FIRST, NAME):
            until = 4 if RECIPES[name].until else 0
            patch.setitem(RECIPES, name, replace(RECIPES[name], training=CUT, until=until))
        yield


@pytest.fixture(scope="module")
def built(cut: None, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    data, output = write_sets(folder / "data"), folder / "out"

    def stop(line: str) -> None:
        """What Ctrl-C or a scheduler does while the second step is told of."""
        if line.startswith("step 2/"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(building, "evaluate", Evaluation())
        stopped = build(NAME, data, output, stop, TAKES)
        left = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
        command = ["models", "build", NAME, "--data", str(data), "-o", str(output), "--takes", str(TAKES)]
        assert main(command) == 0
    return Built(data, output, stopped, left, printed.getvalue().strip())


class Evaluation:
    """Stands for `evaluate`: notes what it was asked for and gives the shipped model's report with these counts."""

    def __init__(self) -> None:
        self.asked: list[tuple[Path, Counts, Path | None]] = []

    def __call__(self, info: ModelInfo, data: Path, counts: Counts, judge_data: Path | None = None) -> dict[str, Any]:
        """Note and give."""
        self.asked.append((data, counts, judge_data))
        report = reports_of(read_json(SHIPPED / NAME / "evaluation.json"))["drums"]
        judged = {} if judge_data else {"emotion": {"control": {}}}
        return {**report, **judged, "model": info.name, "instrument": info.instrument, "counts": asdict(counts)}


def test_a_stopped_build_leaves_its_checkpoint_and_no_model(built: Built) -> None:
    assert built.stopped is None
    assert f"{FIRST}/run/checkpoint.pt" in built.left
    assert not [name for name in built.left if name.startswith((NAME, f"{FIRST}/model"))]


def test_the_same_command_goes_on_and_prints_the_finished_folder(built: Built) -> None:
    assert built.printed == str(built.model)
    rows = [json.loads(line) for line in (built.output / FIRST / "run/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert read_json(built.output / FIRST / "model/config.json")["step"] == 4


def test_the_model_is_stored_in_half_precision_with_where_it_starts_from(built: Built) -> None:
    weights = load_file(built.model / "model.safetensors")
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float16)}
    facts = read_json(built.model / "config.json")
    assert facts["train"]["start"] == FIRST
    assert facts["windows"] == {"drums": pytest.approx(40, abs=20)}
    first = read_json(built.output / FIRST / "model/config.json")
    assert facts["vocabulary_hash"] == first["vocabulary_hash"]
    assert set(first["windows"]) == {"drums", "piano", "strings"}


@pytest.mark.slow
def test_a_built_model_is_measured_on_what_was_held_out_and_has_its_card(built: Built, tmp_path: Path) -> None:
    output = Path(shutil.copytree(built.output, tmp_path / "out"))
    (output / NAME / "model/MODEL_CARD.md").unlink()
    model = build(NAME, built.data, output, takes=TAKES)
    assert model == output / NAME / "model"
    (report,) = reports_of(read_json(model / "evaluation.json")).values()
    assert (report["model"], report["instrument"]) == (NAME, "drums")
    assert report["counts"] == asdict(Counts.scaled(TAKES))
    assert report["validity"]["valid_rate"] == 1.0
    assert report["likelihood"]["n_takes"] == 3
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| model | {report['likelihood']['nats_per_note']['model']:.3f} |" in card
    assert card.count("## Figures: drums") == 1


def test_a_finished_build_does_nothing_again(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train_run", "evaluate"):
        monkeypatch.delattr(building, name)
    said: list[str] = []
    assert build(NAME, built.data, built.output, said.append, TAKES) == built.model
    assert said == []


@pytest.mark.parametrize("judged", [False, True])
def test_figures_of_another_count_or_judge_are_measured_anew(
    built: Built, judged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Path(shutil.copytree(built.output, tmp_path / "out"))
    monkeypatch.delattr(building, "train_run")
    measuring = Evaluation()
    monkeypatch.setattr(building, "evaluate", measuring)
    takes, judge = (TAKES, built.data) if judged else (TAKES + 2, None)
    for _ in range(2):  # once: the second time they are there
        assert build(NAME, built.data, output, takes=takes, judge_data=judge) == output / NAME / "model"
    assert measuring.asked == [(built.data / GMD, Counts.scaled(takes), judge)]
    (report,) = reports_of(read_json(output / NAME / "model/evaluation.json")).values()
    assert report["counts"]["control"] == takes
    card = (output / NAME / "model/MODEL_CARD.md").read_text(encoding="utf-8")
    assert ("judge on people's ratings" in card) is judged


def test_unless_asked_otherwise_as_much_is_measured_as_for_the_shipped_cards() -> None:
    counts = {
        report["counts"]["control"]
        for name in RECIPES
        if (SHIPPED / name).is_dir()
        for report in reports_of(read_json(SHIPPED / name / "evaluation.json")).values()
    }
    assert counts == {EVALUATED_TAKES}


def test_what_cannot_be_built_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, options, error, words in (
        ("composer-kazoo", {}, InvalidValue, "composer-kazoo.*composer-base"),
        (NAME, {"takes": 9}, InvalidValue, "loops is 9"),
        (NAME, {"judge_data": data / "clips"}, NotFound, "clips"),
    ):
        with pytest.raises(error, match=words):
            build(name, data, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_missing_set_is_named(built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: None) -> None:
    data = tmp_path / "data"
    for chosen in PERMITTED_SETS[:2]:
        (data / chosen.folder).parent.mkdir(parents=True)
        (data / chosen.folder).symlink_to(built.data / chosen.folder)
    assert main(["models", "build", NAME, "--data", str(data), "-o", str(tmp_path / "out")]) == 1
    assert str(data / PERMITTED_SETS[2].folder) in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("config.json"))


def test_a_stopped_command_says_how_to_go_on(
    cut: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(building, "train_run", lambda *_, **__: False)
    assert main(["models", "build", NAME, "--data", str(tmp_path), "-o", str(tmp_path / "out")]) == STOPPED
    assert "the same command goes on" in capsys.readouterr().err
