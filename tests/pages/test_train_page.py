"""The Train page, opened through the router, over run folders as a training process writes them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from composer_core.errors import NotFound
from composer_core.pipeline.generation.audition import Audio
from composer_core.pipeline.generation.takes import list_takes
from composer_core.pipeline.training import runs
from composer_core.pipeline.training.labelled import COUNTED
from composer_core.pipeline.training.runs import TrainRequest
from composer_core.store import runs as store
from composer_core.store.atomic import write_json
from composer_core.workspace import Workspace
from small_library import write_grooves
from studio.components import transport
from studio.wording.text import dictionary
from studio_app import component_data, open_studio, text
from untrained_model import add_untrained_model

PATIENCE_SEC = 120


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path).create()


def write_run(workspace: Workspace, name: str, state: store.RunState | None, losses: list[float]) -> Path:
    """A run folder with its request, heartbeat, curve and log; validation on the last step."""
    folder = workspace.runs / name
    write_json(folder / store.REQUEST_FILE, asdict(TrainRequest("drums", "library", "tiny", 40, name=name)))
    rows = [{"step": step, "loss": loss, "validation": None, "seconds": 0.5} for step, loss in enumerate(losses, 1)]
    if rows:
        rows[-1]["validation"] = 1.75
    (folder / store.METRICS_FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / store.LOG_FILE).write_text("reading takes\nmeasuring takes\n")
    if state is not None:
        store.write_state(folder, state)
    return folder


def written(state: str, message: str = "", alive: bool = False) -> store.RunState:
    if alive:
        return store.heartbeat_state(state, 20, 40, "CPU (2 threads)", message)
    return store.RunState(state, 2**22 + 1, 1.0, 20, 40, "CPU (2 threads)", message, time.time())


def test_the_command_says_the_same_as_the_form(workspace: Workspace) -> None:
    app = open_studio("train")
    app.selectbox(key="train.size").select("tiny")
    app.toggle(key="train.own_steps").set_value(True).run()
    app.number_input(key="train.steps").set_value(70)
    app.text_input(key="train.name").set_value("mine").run()
    assert not app.exception and not app.error
    folder = workspace.runs / "mine"
    expected = "composer train --instrument drums --data library --size tiny --device auto --seed 0 --steps 70 -o"
    assert app.code[0].value == f"{expected} {folder}"


def test_an_empty_library_cannot_be_trained_on(workspace: Workspace) -> None:
    app = open_studio("train")
    assert "Imported loops for Drums: 0." in app.caption[1].value
    assert app.button(key="train.start").disabled


def test_a_name_that_is_a_path_is_refused_in_words(workspace: Workspace) -> None:
    app = open_studio("train")
    app.text_input(key="train.name").set_value("../other").run()
    assert not app.exception
    assert "../other" in app.error[0].value
    assert "train.start" not in {button.key for button in app.button}


def test_a_folder_that_is_not_there_is_refused_in_words(workspace: Workspace, tmp_path: Path) -> None:
    app = open_studio("train")
    app.segmented_control(key="train.source").set_value("folder").run()
    assert app.button(key="train.start").disabled
    app.text_input(key="train.folder").set_value(str(tmp_path / "nowhere")).run()
    app.button(key="train.start").click().run()
    assert not app.exception
    assert "does not exist" in app.error[0].value
    assert runs.runs(workspace) == []


def test_what_ended_a_run_is_said_in_the_language_of_the_page(workspace: Workspace) -> None:
    error = NotFound("no_notes", path="/midi", instrument="drums", purpose="train on")
    crashed = store.heartbeat_state("crashed", 0, 0, "CPU (1 thread)", str(error), error)
    write_run(workspace, "groove", crashed, [])
    assert open_studio("train").error[0].value == "/midi holds no notes for drums, so there is nothing to train on."
    app = open_studio("train", "ja")
    assert app.error[0].value == "/midi にはドラムの音符がないため、学習できません。"
    assert any("CPU（1 スレッド）" in caption.value for caption in app.caption)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_run_whose_process_is_gone_says_so(workspace: Workspace, language: str) -> None:
    write_run(workspace, "groove", written("running"), [5.0, 4.0])
    assert [error.value for error in open_studio("train", language).error] == [text("train.died", language)]


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (written("finished"), "finished"),
        (written("stopped"), "stopped"),
        (written("crashed", "the loss became nan"), "crashed"),
        (written("running"), "crashed"),  # its process is gone
        (None, "starting"),
    ],
)
def test_a_run_is_shown_in_its_state(workspace: Workspace, state: store.RunState | None, label: str) -> None:
    write_run(workspace, "groove", state, [5.0, 4.0, 3.0])
    app = open_studio("train")
    assert not app.exception
    assert app.selectbox(key="train.run").value == "groove"
    assert any(label in element.value for element in app.markdown)
    keys = {button.key for button in app.button}
    assert ("train.resume" in keys) == (label in ("stopped", "crashed"))
    assert ("train.stop" in keys) == (label == "starting")
    assert any("measuring takes" in element.value for element in app.code)
    assert [metric.value for metric in app.metric] == ["3.000", "1.750"]
    if state is not None and state.message:
        assert state.message in [error.value for error in app.error]


def test_a_running_one_shows_how_long_it_takes(workspace: Workspace) -> None:
    # 2 steps of 40 done at half a second each: 38 * 0.5 = 19 s are left
    write_run(workspace, "groove", written("running", alive=True), [5.0, 4.0])
    app = open_studio("train", "ja")
    assert not app.exception and not app.error
    assert "train.stop" in {button.key for button in app.button}
    progress = [element.proto for element in app.get("progress")]
    assert [(bar.value, bar.text) for bar in progress] == [(5, "ステップ 2 / 40・残り 0:19")]


def test_a_sample_of_the_newest_checkpoint_is_played(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        transport,
        "audition",
        lambda loop, _: Audio("a" * 40 + ".flac", loop.length_sec, 44100, "x.sf2", "system", False),
    )
    write_run(workspace, "groove", written("stopped"), [5.0])
    add_untrained_model(workspace, name="groove")
    app = open_studio("train")
    app.button(key="train.sample").click().run()
    assert not app.exception and not app.error
    assert [take.model for take in list_takes(workspace)] == ["groove"]
    assert component_data(app, "composer_transport")["loop"]["title"] == "groove · step 1"


def test_using_a_model_leads_to_generate(workspace: Workspace) -> None:
    write_run(workspace, "groove", written("stopped"), [5.0])
    add_untrained_model(workspace, name="groove")
    app = open_studio("train")
    app.button(key="train.use").click().run()
    assert not app.exception and not app.error
    assert [title.value for title in app.title] == [dictionary()["page.generate"][0]]
    assert app.session_state["generate.instruments"] == ["drums"]
    assert app.session_state["generate.model.drums"] == "groove"


def test_a_run_that_cannot_be_resumed_says_why(workspace: Workspace) -> None:
    folder = write_run(workspace, "groove", written("stopped"), [5.0])
    app = open_studio("train")
    shutil.rmtree(folder)
    app.button(key="train.resume").click().run()
    assert not app.exception
    assert any("groove" in error.value for error in app.error)


@pytest.fixture
def no_process_left(workspace: Workspace) -> Iterator[None]:
    yield
    for run in runs.runs(workspace):
        if run.pid is not None:
            psutil.Process(run.pid).kill()


def wait_for(app: AppTest, workspace: Workspace, name: str, *states: str) -> runs.RunStatus:
    deadline = time.monotonic() + PATIENCE_SEC
    while (run := runs.status(workspace, name)).state not in states:
        assert time.monotonic() < deadline, run
        time.sleep(0.3)
    app.run()
    return run


@pytest.mark.slow
def test_start_stop_and_resume(workspace: Workspace, tmp_path: Path, no_process_left: None) -> None:
    app = open_studio("train")
    app.segmented_control(key="train.source").set_value("folder")
    app.selectbox(key="train.size").select("tiny")
    app.selectbox(key="train.device").select("cpu")
    app.toggle(key="train.own_steps").set_value(True).run()
    app.number_input(key="train.steps").set_value(4000)
    app.text_input(key="train.folder").set_value(str(write_grooves(tmp_path / "midi")))
    app.text_input(key="train.name").set_value("mine").run()
    app.button(key="train.start").click().run()
    assert not app.exception and not app.error
    deadline = time.monotonic() + PATIENCE_SEC
    while not runs.status(workspace, "mine").losses:
        assert time.monotonic() < deadline, runs.status(workspace, "mine")
        time.sleep(0.3)
    # the browser is closed and opened again: the run is found
    app = open_studio("train")
    assert app.selectbox(key="train.run").value == "mine"
    app.button(key="train.stop").click().run()
    stopped = wait_for(app, workspace, "mine", "stopped", "finished")
    assert stopped.state == "stopped" and 0 < stopped.step < 4000
    app.button(key="train.resume").click().run()
    assert not app.exception and not app.error
    deadline = time.monotonic() + PATIENCE_SEC
    while runs.status(workspace, "mine").step <= stopped.step:
        assert time.monotonic() < deadline, runs.status(workspace, "mine")
        time.sleep(0.3)
    runs.stop(workspace, "mine")
    again = wait_for(app, workspace, "mine", "stopped", "finished")
    assert again.step > stopped.step


def test_a_model_is_adapted_or_trained_on_with_all_weights(workspace: Workspace) -> None:
    add_untrained_model(workspace, "bass", "mine")
    app = open_studio("train")
    app.selectbox(key="train.instrument").select("bass").run()
    app.segmented_control(key="train.way").set_value("adapter").run()
    app.selectbox(key="train.start_from.bass").select("mine").run()
    assert not app.exception and not app.error
    assert "--size tiny" in app.code[0].value and "--start mine --adapter" in app.code[0].value
    app.segmented_control(key="train.way").set_value("full").run()
    assert app.code[0].value.count("--start mine -o") == 1


@pytest.mark.parametrize("size", runs.TRAIN_SIZES)
def test_all_instruments_and_sizes_can_be_chosen(workspace: Workspace, size: str) -> None:
    app = open_studio("train")
    assert len(app.selectbox(key="train.instrument").options) == 6
    app.selectbox(key="train.instrument").select("all")
    app.selectbox(key="train.size").select(size).run()
    assert f"--instrument all --data library --size {size}" in app.code[0].value
    assert app.selectbox(key="train.device").options[0].startswith("Auto: ")


def test_cards_of_the_models_are_read_in_the_app(workspace: Workspace) -> None:
    own = workspace.runs / add_untrained_model(workspace, "drums", "mine") / "model" / "MODEL_CARD.md"
    own.write_text("# mine\n\n- Data: my own grooves\n")
    app = open_studio("train")
    assert "mine" in app.selectbox(key="train.card").options
    app.selectbox(key="train.card").select("mine").run()
    assert not app.exception and not app.error
    assert [element.value for element in app.markdown if "my own grooves" in element.value]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_run_on_the_library_says_whose_labels_it_learns_from(workspace: Workspace, language: str) -> None:
    folder = write_run(workspace, "groove", written("finished"), [5.0, 4.0])
    assert text("train.labels", language) not in [one.label for one in open_studio("train", language).expander]
    sources = ("human", "measured", "not_given", "file", "import:emopia", "model:key@1", "rule:technique")
    counts = {name: dict.fromkeys(sources, 3) for name in COUNTED}
    write_json(folder / store.FACTS_FILE, {"facts": {"labels": counts}})
    app = open_studio("train", language)
    assert not app.exception and not app.error
    shown = [one.value for one in app.dataframe if text("train.labels_loops", language) in one.value.columns]
    assert len(shown) == 1 and len(shown[0]) == len(COUNTED) * len(sources)
    assert "emopia" in shown[0].to_string() and text("train.labels_by_human", language) in shown[0].to_string()
