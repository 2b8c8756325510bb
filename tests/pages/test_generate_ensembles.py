"""Ensembles, techniques, edits and cheap controls on the Generate page, with composers that know no music."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from composer_core.music.loop import Loop
from composer_core.pipeline.generation.audition import Audio
from composer_core.pipeline.generation.performance import Playing, played_midi
from composer_core.pipeline.generation.takes import list_takes
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.library.loops import table
from composer_core.workspace import Workspace
from studio.components import transport
from studio.generate import state as generate_state
from studio.generate.slots import Slot, slots_of
from studio.rater import RATER
from studio_app import component_data, open_studio
from untrained_model import add_untrained_model

PARTS = ("drums", "bass", "piano")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    workspace = Workspace(tmp_path).create()
    for instrument in PARTS:
        add_untrained_model(workspace, instrument, f"untrained-{instrument}")
    return workspace


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Loop]:
    loops: list[Loop] = []

    def render(loop: Loop, _: Workspace) -> Audio:
        loops.append(loop)
        return Audio(f"{len(loops):040x}.flac", loop.length_sec, 44100, "none.sf2", "system", False)

    monkeypatch.setattr(transport, "audition", render)
    return loops


def asked(*instruments: str, language: str = "en", bars: int = 2, takes: int = 1) -> AppTest:
    app = open_studio("generate", language)
    app.session_state["generate.instruments"] = list(instruments)
    app.session_state["generate.best_of"] = 1
    app.session_state["generate.takes"] = takes
    app.session_state["generate.bars"] = bars
    for instrument in instruments:
        app.session_state[f"generate.model.{instrument}"] = f"untrained-{instrument}"
    return app.run()


def generated(*instruments: str, **more: Any) -> AppTest:
    app = asked(*instruments, **more)
    app.button(key="generate.generate").click().run()
    assert not app.exception and not app.error
    return app


def slots(app: AppTest) -> list[Slot]:
    return list(app.session_state[generate_state.SLOTS])


def press(app: AppTest, start: str) -> AppTest:
    next(button for button in app.button if str(button.key).startswith(start)).click().run()
    assert not app.exception
    return app


def notes_outside(slot: Slot, bar: int) -> list[Any]:
    grid = slot.takes[0].grid
    keep = grid.notes.onset_tick // grid.meter.bar_tick != bar
    return [column[keep].tolist() for column in grid.notes.columns()]


def test_several_instruments_make_an_ensemble_over_shared_chords(workspace: Workspace) -> None:
    app = generated(*PARTS)
    (slot,) = slots(app)
    assert slot.instruments == PARTS and slot.is_ensemble
    bass, piano = slot.part("bass").condition, slot.part("piano").condition
    assert bass.chords == piano.chords != () and bass.key == piano.key
    assert {take.ensemble for take in list_takes(workspace)} == {slot.first.ensemble}
    app.session_state[f"generate.part.{slot.key}"] = "bass"
    app.run()
    (shown,) = [element.value for element in app.markdown if element.value.startswith("| |")]
    assert "| Key | " in shown and "| Chords | " in shown and "% inside" in shown
    assert any("progression that fits the feeling was drawn" in element.value for element in app.caption)


def test_an_ensemble_sounds_as_stems_and_follows_a_slider(workspace: Workspace, heard: list[Loop]) -> None:
    app = press(generated(*PARTS), "play.ensemble.")
    loop = component_data(app, "composer_transport")["loop"]
    assert [stem["name"] for stem in loop["stems"]] == list(PARTS)
    assert loop["title"].startswith("Ensemble 1 · Drums + Bass + Piano")
    app.number_input(key="generate.semitones").set_value(2).run()
    moved = component_data(app, "composer_transport")["loop"]
    assert (moved["mode"], moved["key"]) == ("swap", loop["key"])
    before, after = heard[:3], heard[3:]
    assert after[0].notes.pitch.tolist() == before[0].notes.pitch.tolist()
    # Folding into the instrument's range may change the order of notes struck together, not their pitch classes.
    assert np.unique(after[1].notes.pitch % 12).tolist() == np.unique((before[1].notes.pitch + 2) % 12).tolist()


def test_all_parts_are_one_file_and_each_part_one_of_its_own(workspace: Workspace) -> None:
    (slot,) = slots(generated("drums", "bass"))
    playing = Playing(110.0, 50.0, 8, 100.0)
    names = [track.name for track in mido.MidiFile(file=io.BytesIO(played_midi(slot.takes, playing))).tracks]
    assert len(names) == 3  # tempo and metre, then the parts
    alone = mido.MidiFile(file=io.BytesIO(played_midi([slot.part("bass")], playing)))
    channels = {message.channel for track in alone.tracks for message in track if message.type == "note_on"}
    assert 9 not in channels


def test_one_part_is_replaced_and_the_others_stay(workspace: Workspace) -> None:
    app = generated("drums", "bass")
    (before,) = slots(app)
    app.session_state[f"generate.part.{before.key}"] = "bass"
    press(app.run(), "generate.replace")
    (after,) = slots(app)
    assert after.part("drums") is not None and after.key == before.key
    assert after.part("drums").take_id == before.part("drums").take_id
    assert after.part("bass").parent == before.part("bass").take_id


def test_techniques_are_asked_of_their_own_instrument(workspace: Workspace) -> None:
    app = asked("drums", "bass")
    app.session_state["generate.technique.bass"] = ["slap"]
    press(app.run(), "generate.generate")
    (slot,) = slots(app)
    assert (slot.part("drums").condition.technique, slot.part("bass").condition.technique) == ((), ("slap",))


@pytest.mark.parametrize(
    ("language", "said"), [("en", "legato and staccato cannot be asked together"), ("ja", "レガートとスタッカート")]
)
def test_techniques_that_clash_are_refused_with_the_reason(workspace: Workspace, language: str, said: str) -> None:
    app = asked("bass", language=language)
    app.session_state["generate.technique.bass"] = ["legato", "staccato"]
    app.run()
    assert not app.exception
    assert said in app.error[0].value
    assert app.button(key="generate.generate").disabled


def test_what_is_rare_is_warned_of_before_it_is_made(workspace: Workspace) -> None:
    app = asked("bass")
    app.selectbox(key="generate.meter").select("7/8").run()
    assert any("hardly hold this metre" in element.value for element in app.caption)
    assert not app.button(key="generate.generate").disabled


def test_measures_are_asked_for_when_switched_on(workspace: Workspace) -> None:
    app = asked("bass")
    for name, value in (("density", 2.0), ("syncopation", 6.0), ("complexity", 0.25)):
        app.session_state[f"generate.use_{name}"] = True
        app.session_state[f"generate.{name}"] = value
    app.session_state["generate.use_register"] = True
    app.session_state["generate.register.bass"] = 40
    press(app.run(), "generate.generate")
    condition = slots(app)[0].first.condition
    assert (condition.density, condition.syncopation, condition.complexity, condition.register) == (2.0, 6.0, 0.25, 40)
    (shown,) = [element.value for element in app.markdown if element.value.startswith("| |")]
    assert "| Register | E2 |" in shown and "| Syncopation | 6.0 |" in shown


def test_chosen_bars_are_written_anew_and_undone(workspace: Workspace, heard: list[Loop]) -> None:
    app = press(generated("drums"), "play.take.")
    (before,) = slots(app)
    app.session_state[f"generate.bars_anew.{before.first.take_id}"] = [2]
    press(app.run(), "generate.rewrite")
    (after,) = slots(app)
    assert after.takes[0].edit == "bars 2" and after.takes[0].parent == before.first.take_id
    assert notes_outside(after, 1) == notes_outside(before, 1)
    assert component_data(app, "composer_transport")["loop"]["mode"] == "swap"
    assert any(element.value == "original › **bars 2**" for element in app.caption)
    press(app, "icon.generate.undo")
    assert slots(app)[0].takes == before.takes
    press(app, "icon.generate.redo")
    assert slots(app)[0].takes[0].take_id == after.takes[0].take_id


def test_a_take_is_varied_and_continued_and_comes_back_with_its_versions(workspace: Workspace) -> None:
    app = press(press(generated("drums"), "generate.vary"), "generate.continue.2")
    (slot,) = slots(app)
    assert [takes[0].edit for takes in slot.versions] == ["", "vary 0.5", "continue 2"]
    assert slot.takes[0].grid.bars == 4
    ((stored,),) = slots_of(list_takes(workspace))
    assert [takes[0].take_id for takes in stored.versions] == [takes[0].take_id for takes in slot.versions]
    assert stored.at == 2


def test_an_ensemble_is_continued_in_all_parts_as_one_act(workspace: Workspace) -> None:
    app = press(generated("drums", "bass"), "generate.continue.2")
    (slot,) = slots(app)
    assert {take.grid.bars for take in slot.takes} == {4} and len(slot.versions) == 2
    ((stored,),) = slots_of(list_takes(workspace))
    assert [take.take_id for take in stored.takes] == [take.take_id for take in slot.takes]
    assert len(stored.versions) == 2


def test_a_technique_is_played_on_the_same_notes(workspace: Workspace, heard: list[Loop]) -> None:
    app = press(generated("bass"), "play.take.")
    app.session_state["generate.play.bass"] = ["staccato"]
    app.session_state[generate_state.SLIDER_MOVED] = True
    app.run()
    assert not app.exception
    before, after = heard
    assert after.notes.pitch.tolist() == before.notes.pitch.tolist()
    assert after.notes.duration_tick.sum() < before.notes.duration_tick.sum()
    assert len(list_takes(workspace)) == 1


def test_an_approved_take_is_labelled_and_in_the_library(workspace: Workspace) -> None:
    app = asked("bass")
    app.multiselect(key="generate.genre").select("funk")
    app.session_state[RATER] = "aki"
    press(press(app, "generate.generate"), "icon.approve.take.")
    (loop_id,) = table(workspace)["loop_id"]
    labels = decisions.current(workspace, loop_id)
    assert labels.status == "approved" and labels.values["genre"] == {"funk": 1.0}
    assert "it is in the library" in app.toast[0].value
    assert any(element.value.startswith("**Take 1** :green-badge[") for element in app.markdown)


def test_loops_like_the_take_are_found_on_demand(workspace: Workspace, heard: list[Loop]) -> None:
    app = generated("bass", takes=2)
    app.toggle(key="generate.similar").set_value(True).run()
    assert any("too few loops" in element.value for element in app.caption)
    for slot in slots(app):
        press(app, f"icon.keep.{slot.key}")
    assert not app.exception and not app.error
    found = [element.value for element in app.caption if "distance" in element.value]
    assert len(found) == 2 and "distance 0.00" in found[0] and "distance 0.00" not in found[1]
    press(app, "play.loop.")
    assert len(heard) == 1
    assert component_data(app, "composer_transport")["loop"]["loopId"] in set(table(workspace)["loop_id"])
