"""The address of the Generate page: it names the open take and how the main controls stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from composer_core.workspace import Workspace
from studio import session
from studio.generate import state as generate_state
from studio_app import SECONDS, SHELL, open_studio
from untrained_model import add_untrained_model


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("COMPOSER_WORKSPACE", str(tmp_path))
    workspace = Workspace(tmp_path).create()
    add_untrained_model(workspace)
    return workspace


def generated(takes: int, bars: int = 4, throws: bool = True) -> AppTest:
    app = open_studio("generate")
    wanted = {"model.drums": "untrained", "takes": takes, "best_of": 1, "bars": bars, "seed": 5, "new_seed": throws}
    for name, value in wanted.items():
        app.session_state[f"generate.{name}"] = value
    app.run()
    app.button(key="generate.generate").click().run()
    assert not app.exception and not app.error
    return app


def tables(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown if element.value.startswith("| |")]


def open_the_other(app: AppTest) -> None:
    opened = f"icon.open.{app.session_state[generate_state.CHOSEN_SLOT]}"
    next(one for one in app.button if str(one.key).startswith("icon.open.") and one.key != opened).click().run()


def reloaded(address: dict[str, str]) -> AppTest:
    """The page in a session that knows nothing but an address."""
    app = AppTest.from_file(SHELL, default_timeout=SECONDS)
    app.session_state[session.STARTED] = True
    app.query_params.update(address)
    app.run()
    assert not app.exception and not app.error
    return app


def address_of(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def test_the_address_brings_the_open_take_and_its_request_back(workspace: Workspace) -> None:
    app = generated(takes=2, bars=2)
    open_the_other(app)
    second = str(app.query_params["take"])
    assert second == app.session_state[generate_state.CHOSEN_SLOT]
    again = reloaded({"take": second})
    assert again.session_state[generate_state.CHOSEN_SLOT] == second
    assert tables(again) == tables(app) and len(again.session_state[generate_state.SLOTS]) == 2
    assert again.segmented_control(key="generate.bars").value == 2
    assert again.toggle(key="generate.new_seed").value


def test_the_address_keeps_controls_that_were_moved(workspace: Workspace) -> None:
    app = open_studio("generate")
    assert address_of(app) == {}
    app.session_state["generate.instruments"] = ["drums", "bass"]
    app.multiselect(key="generate.genre").set_value(["funk", "rock"])
    app.slider(key="generate.swing").set_value(58.5)
    app.toggle(key="generate.use_arousal").set_value(False)
    app.run()
    app.selectbox(key="generate.root").select("E")
    app.text_input(key="generate.chords").set_value("i VI III VII").run()
    address = address_of(app)
    assert address == {
        "instruments": "drums,bass", "genres": "funk,rock", "swing": "58.5", "arousal": "free", "key": "E",
        "chords": "i VI III VII",
    }  # fmt: skip
    again = reloaded(address)
    assert address_of(again) == address
    assert again.multiselect(key="generate.genre").value == ["funk", "rock"]
    assert again.slider(key="generate.swing").value == 58.5
    assert not again.toggle(key="generate.use_arousal").value


def test_beside_an_open_take_controls_that_were_moved_win_over_its_request(workspace: Workspace) -> None:
    app = generated(takes=1, throws=False)
    app.segmented_control(key="generate.bars").set_value(2)
    app.slider(key="generate.tempo").set_value(96).run()
    again = reloaded(address_of(app))
    assert again.session_state[generate_state.CHOSEN_SLOT] == app.session_state[generate_state.CHOSEN_SLOT]
    assert again.segmented_control(key="generate.bars").value == 2 and again.slider(key="generate.tempo").value == 96
    assert again.number_input(key="generate.seed").value == 5 and not again.toggle(key="generate.new_seed").value


def test_what_makes_no_sense_in_an_address_is_left_out(workspace: Workspace) -> None:
    nonsense = {"instruments": "kazoo", "bars": "3", "tempo": "fast", "swing": "nan", "valence": "7", "takes": "9"}
    app = reloaded({**nonsense, "metre": "7/8"})
    assert address_of(app) == {"metre": "7/8"}


@pytest.mark.parametrize(("name", "value"), [("metre", "2/4"), ("metre", "12/8"), ("metre", "9/8"), ("bars", "12")])
def test_metres_and_forms_no_model_knows_are_refused_by_name(workspace: Workspace, name: str, value: str) -> None:
    app = reloaded({name: value})
    (toast,) = app.toast
    choices = "1, 2, 4, 8" if name == "bars" else "4/4, 3/4, 6/8, 5/4, 7/8"
    assert toast.value == f"{name} is '{value}'; the choices are {choices}."
    assert address_of(app) == {}


def test_going_back_opens_the_take_that_was_open_before(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SEC", 0.0)  # as if the browser had long taken over what was written
    app = generated(takes=2)
    first = str(app.query_params["take"])
    open_the_other(app)
    assert app.query_params["take"] != first
    app.query_params["take"] = first
    app.run()
    assert app.session_state[generate_state.CHOSEN_SLOT] == first


def test_an_address_of_no_take_is_said_and_the_page_opens(workspace: Workspace) -> None:
    app = reloaded({"take": "take.0000"})
    assert [toast.value for toast in app.toast] == ["The take this address names is no longer among the earlier takes"]
