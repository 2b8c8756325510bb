"""The Generate page, opened through the router, with a composer that knows the grammar but no music."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from composer_core.errors import RenderError
from composer_core.pipeline import models
from composer_core.pipeline.editing.recipes import read_recipe, saved_recipes
from composer_core.pipeline.generation import takes as generation_takes
from composer_core.pipeline.generation.audition import Audio
from composer_core.pipeline.generation.performance import Playing
from composer_core.pipeline.library.loops import table
from composer_core.workspace import Workspace
from studio.components import transport
from studio.generate import sampling as generate_sampling
from studio.generate import state as generate_state
from studio.generate.files import file_stem
from studio_app import component_data, open_studio
from untrained_model import add_untrained_model


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    workspace = Workspace(tmp_path).create()
    add_untrained_model(workspace)
    return workspace


@pytest.fixture
def silent_renderer(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A renderer that only notes what it was asked to render."""
    heard: list[Any] = []

    def render(loop: Any, _: Workspace) -> Audio:
        heard.append(loop)
        return Audio(f"{len(heard):040x}.flac", loop.length_sec, 44100, "none.sf2", "system", False)

    monkeypatch.setattr(transport, "audition", render)
    return heard


def opened(language: str = "en") -> AppTest:
    """The page with the untrained model chosen, whatever else is shipped."""
    app = open_studio("generate", language)
    app.selectbox(key="generate.model.drums").select("untrained")
    return app.run()


def generated(takes: int = 2, seed: int = 5) -> AppTest:
    app = opened()
    app.toggle(key="generate.new_seed").set_value(False)
    app.number_input(key="generate.seed").set_value(seed)
    app.number_input(key="generate.takes").set_value(takes)
    app.selectbox(key="generate.best_of").select(1)
    app.button(key="generate.generate").click().run()
    assert not app.exception and not app.error
    return app


def tables(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown if element.value.startswith("| |")]


def play_buttons(app: AppTest) -> list[Any]:
    return [button for button in app.button if str(button.key).startswith("play.take.")]


def rows(app: AppTest) -> list[Any]:
    return [element for element in app.markdown if element.value.startswith("**Take ")]


def opener(app: AppTest) -> str:
    return f"icon.open.{app.session_state[generate_state.CHOSEN_SLOT]}"


@pytest.mark.parametrize(("language", "title"), [("en", "Generate"), ("ja", "生成")])
def test_the_page_opens_in_both_languages(workspace: Workspace, language: str, title: str) -> None:
    app = opened(language)
    assert not app.exception and not app.error
    assert [element.value for element in app.title] == [title]


def test_takes_stand_side_by_side_and_are_kept(workspace: Workspace) -> None:
    app = generated(takes=2, seed=5)
    kept = generation_takes.list_takes(workspace)
    assert [(take.seed, take.index, take.model) for take in sorted(kept, key=lambda take: take.index)] == [
        (5, 0, "untrained"),
        (5, 1, "untrained"),
    ]
    assert len(play_buttons(app)) == 2
    (table,) = tables(app)  # of the take that is open
    assert "| Tempo | 110 | 110 |" in table
    assert re.search(r"\| Swing \| straight \| (–|[\d.]+ %) \|", table)
    assert [bool(re.search(r"Take \d.*Score (\d+|–)", element.value, re.S)) for element in rows(app)] == [True] * 2
    assert 'class="scores"' in " ".join(element.proto.body for element in app.get("html"))


def test_another_take_is_opened(workspace: Workspace) -> None:
    app = generated(takes=2, seed=5)
    first = tables(app)
    next(
        button for button in app.button if str(button.key).startswith("icon.open.") and button.key != opener(app)
    ).click()
    app.run()
    assert tables(app) != first and not app.exception


def test_the_seed_is_thrown_anew_and_written_back(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.generate.controls.secrets.randbelow", lambda _: 4321)
    app = opened()
    app.number_input(key="generate.takes").set_value(1)
    app.button(key="generate.generate").click().run()
    assert app.number_input(key="generate.seed").value == 4321
    assert [take.seed for take in generation_takes.list_takes(workspace)] == [4321]


def test_sliders_play_the_same_notes_without_sampling(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = generated(takes=1)
    before = tables(app)[0]

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was asked")

    monkeypatch.setattr("composer_core.model.composer.sampling.sample_mixed", refuse)
    app.slider(key="generate.tempo").set_value(150)
    app.slider(key="generate.humanise").set_value(0)
    app.slider(key="generate.swing").set_value(66.7).run()
    assert not app.exception and not app.error
    after = tables(app)[0]
    assert "| Tempo | 150 | 150 |" in after and "66.7 %" in after
    assert before != after
    assert len(generation_takes.list_takes(workspace)) == 1


def test_how_takes_are_played_is_kept_as_a_recipe_and_chosen_again(workspace: Workspace) -> None:
    app = generated(takes=1)
    assert app.button(key="generate.recipe_save").disabled
    app.slider(key="generate.swing").set_value(62.0)
    app.text_input(key="generate.recipe_name").set_value("late").run()
    app.button(key="generate.recipe_save").click().run()
    assert not app.exception and not app.error
    (kept,) = saved_recipes(workspace).values()
    assert [step.rule for step in read_recipe(kept).steps] == ["tempo", "swing"]
    app.slider(key="generate.swing").set_value(50.0)
    app.selectbox(key="generate.recipe_saved").select("late").run()
    assert not app.exception and any("late: 2 rules" in caption.value for caption in app.caption)


def test_play_hands_the_take_to_the_transport(workspace: Workspace, silent_renderer: list[Any]) -> None:
    app = generated(takes=2)
    assert component_data(app, "composer_transport")["loop"] is None
    play_buttons(app)[1].click().run()
    loop = component_data(app, "composer_transport")["loop"]
    assert loop["src"] == f"/api/audio/{1:040x}.flac"
    assert (loop["mode"], loop["bars"], loop["key"]) == ("start", 4, play_buttons(app)[1].key.removeprefix("play."))
    assert loop["title"].startswith("Take 2 · Drums")
    assert len(loop["notes"]) == len(silent_renderer[0].notes)


def test_a_slider_swaps_only_what_sounds(workspace: Workspace, silent_renderer: list[Any]) -> None:
    app = generated(takes=2)
    app.slider(key="generate.tempo").set_value(90).run()
    assert silent_renderer == []
    play_buttons(app)[0].click().run()
    app.slider(key="generate.tempo").set_value(140).run()
    loop = component_data(app, "composer_transport")["loop"]
    assert [loop.tempo_bpm for loop in silent_renderer] == [90, 140]
    assert (loop["mode"], loop["tempoBpm"]) == ("swap", 140)


def test_a_take_that_cannot_sound_is_a_message(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RenderError("render_silent", what="the loop", reason="no notes")

    monkeypatch.setattr(transport, "audition", fail)
    app = generated(takes=1)
    play_buttons(app)[0].click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["the loop came out silent: no notes."]
    app.run()
    assert not app.error


def test_a_take_is_added_to_the_library_once(workspace: Workspace) -> None:
    app = generated(takes=1)
    for message in ("Added to the library", "Already in the library"):
        next(button for button in app.button if str(button.key).startswith("icon.keep.")).click().run()
        assert [toast.value for toast in app.toast] == [message]
        assert "in the library]" in rows(app)[0].value
    assert table(workspace)["origin"].tolist() == ["generated"]


def test_an_earlier_request_comes_back_and_can_be_made_again(workspace: Workspace) -> None:
    app = opened()
    app.toggle(key="generate.use_valence").set_value(False)
    app.multiselect(key="generate.genre").select("funk")
    app.segmented_control(key="generate.bars").set_value(2)
    app.slider(key="generate.swing").set_value(60.0)
    app.number_input(key="generate.takes").set_value(2)
    app.button(key="generate.generate").click().run()
    first, ids = tables(app), {take.take_id for take in generation_takes.list_takes(workspace)}
    app.toggle(key="generate.use_valence").set_value(True)
    app.multiselect(key="generate.genre").unselect("funk")
    app.segmented_control(key="generate.bars").set_value(1)
    app.slider(key="generate.tempo").set_value(170)
    app.number_input(key="generate.takes").set_value(1)
    app.button(key="generate.generate").click().run()
    assert len(play_buttons(app)) == 1
    back = [button for button in app.button if str(button.key).startswith("back.")]
    assert len(back) == 2
    back[-1].click().run()
    assert not app.exception
    assert tables(app) == first
    assert (app.slider(key="generate.tempo").value, app.multiselect(key="generate.genre").value) == (110, ["funk"])
    app.number_input(key="generate.takes").set_value(2)
    app.button(key="generate.generate").click().run()
    assert tables(app) == first
    again = [take.take_id for take in generation_takes.list_takes(workspace)]
    assert len(again) == 3 and ids <= set(again)  # the same takes, not two new ones


def test_the_pad_goes_back_to_an_earlier_request(workspace: Workspace) -> None:
    app = opened()
    app.session_state["studio.pad.generate"] = {"given": (0.4, 0.7), "value": (-0.3, 0.2), "seq": 3}
    app.number_input(key="generate.takes").set_value(1)
    app.button(key="generate.generate").click().run()
    app.session_state["studio.pad.generate"] = {"given": (0.4, 0.7), "value": (0.9, 0.9), "seq": 4}
    app.run()
    next(button for button in app.button if str(button.key).startswith("back.")).click().run()
    for _ in range(2):
        pad = component_data(app, "composer_xypad")
        assert (pad["valence"], pad["arousal"]) == (-0.3, 0.2)
        app.run()


def test_an_axis_can_be_left_to_the_model(workspace: Workspace) -> None:
    app = opened()
    app.toggle(key="generate.use_valence").set_value(False)
    app.number_input(key="generate.takes").set_value(1)
    app.button(key="generate.generate").click().run()
    condition = generation_takes.list_takes(workspace)[0].condition
    assert (condition.valence, condition.arousal) == (None, 0.7)
    assert component_data(app, "composer_xypad")["used"] == [False, True]


def test_an_instrument_without_a_model_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [model for model in models.models(workspace) if model.name == "untrained"]
    monkeypatch.setattr(models, "models", lambda *_: own)
    app = opened()
    app.session_state["generate.instruments"] = ["strings"]
    app.run()
    assert "No model plays this yet: Strings" in app.info[0].value
    assert app.button(key="generate.generate").disabled


def test_a_damaged_model_is_a_message_and_the_page_goes_on(workspace: Workspace) -> None:
    app = opened()
    weights = workspace.runs / "untrained" / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    app.button(key="generate.generate").click().run()
    assert not app.exception
    assert "cannot be used" in app.error[0].value
    assert app.button(key="generate.generate").label == "Generate"


def test_a_language_switch_keeps_what_was_chosen(workspace: Workspace) -> None:
    app = opened()
    app.multiselect(key="generate.genre").select("funk").run()
    app.segmented_control(key="shell.language").set_value("ja").run()
    assert app.multiselect(key="generate.genre").value == ["funk"]
    assert app.session_state["generate.instruments"] == ["drums"]
    assert app.title[0].value == "生成"


def test_requests_group_neighbouring_takes(workspace: Workspace) -> None:
    from studio.generate.slots import slots_of

    generated(takes=3, seed=1)
    generated(takes=2, seed=2)
    groups = slots_of(generation_takes.list_takes(workspace))
    assert [[slot.first.index for slot in group] for group in groups] == [[0, 1], [0, 1, 2]]


def test_takes_appear_one_by_one_and_a_stop_keeps_those_made(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr("studio.generate.sampling.go_on", stops_at_two(shown))
    app = generated(takes=4)
    assert shown[-3:] == [0, 1, 2]
    assert len(play_buttons(app)) == 2
    app.button(key="generate.stop").click().run()
    assert len(play_buttons(app)) == 2 and app.session_state[generate_state.SAMPLING] is None
    assert "generate.stop" not in [button.key for button in app.button]
    assert len(generation_takes.list_takes(workspace)) == 2


def stops_at_two(shown: list[int]) -> Any:
    """`go_on`, except that it waits once two takes are there, as if the third took long; notes what was shown."""
    goes_on = generate_sampling.go_on

    def go_on(progress: Any) -> None:
        shown.append(len(generate_state.slots()))
        if len(generate_state.slots()) < 2:
            goes_on(progress)

    return go_on


def test_scores_are_explained_on_demand(workspace: Workspace) -> None:
    app = generated(takes=1)
    assert "The measurements that cost most points" in " ".join(element.value for element in app.caption)
    (why,) = [element.value for element in app.markdown if element.value.startswith("- ")]
    assert re.search(r"- Total: .+ takes \d+ points", why)


def test_a_take_is_downloaded_under_a_name_that_says_how_to_make_it_again(workspace: Workspace) -> None:
    app = generated(takes=2, seed=5)
    names = [button.proto.label for button in app.get("download_button")]
    assert names == ["Download", *["MIDI", "WAV"] * 2]
    take = generation_takes.list_takes(workspace)[0]
    playing = Playing(96.5, 50.0, 8, 100.0)
    assert file_stem([take], playing) == f"drums-96.5bpm-seed5-take{take.index + 1}"
    assert file_stem([take], playing, 2).endswith("-edit2")


def test_the_title_of_what_plays_follows_the_language(workspace: Workspace, silent_renderer: list[Any]) -> None:
    app = generated(takes=1)
    play_buttons(app)[0].click().run()
    app.segmented_control(key="shell.language").set_value("ja").run()
    loop = component_data(app, "composer_transport")["loop"]
    assert loop["title"].startswith("テイク 1・ドラム") and len(silent_renderer) == 1


def test_every_button_and_picture_has_a_name(workspace: Workspace) -> None:
    app = generated(takes=1)
    assert [button.key for button in app.button if not button.label] == []
    pictures = [body for element in app.get("html") if "<img" in (body := element.proto.body)]
    assert pictures and all('alt="Notes of Take 1"' in body for body in pictures)


def test_without_an_instrument_the_page_says_what_is_missing(workspace: Workspace) -> None:
    app = opened()
    app.session_state["generate.instruments"] = []
    app.run()
    assert not app.exception and app.button(key="generate.generate").disabled
    assert "Choose at least one instrument above." in [element.value for element in app.caption]
