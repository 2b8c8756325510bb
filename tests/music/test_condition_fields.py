"""What every field of a condition promises, from its declaration to the page, the command and the model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from composer_core.cli import generation
from composer_core.errors import InvalidValue
from composer_core.metrics import METRICS, measure
from composer_core.model.composer.conditions import CONTINUOUS, ConditionEncoder, arrays_of
from composer_core.model.config import ALL_CONDITIONS, FIRST_CONDITIONS, SHARED, ModelConfig, conditions_of
from composer_core.music.chords import parse_chord_line
from composer_core.music.condition import OPTIONAL_FIELDS, Condition
from composer_core.music.condition_field import CHOICE, CHORDS, CODES, KEY, NUMBER, WEIGHTS, ConditionField
from composer_core.music.condition_fields import FIELD, FIELDS, FOLDED, MEASURES, SLOTS
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.timing import Meter
from composer_core.pipeline.generation.asked_vs_measured import compare
from composer_core.pipeline.measured_fields import measured_fields, misfits
from composer_core.pipeline.training.sources import measured_condition, prepare_takes
from composer_core.workspace import ENVIRONMENT_VARIABLE, Workspace
from small_library import bass
from studio import session
from studio.wording.text import dictionary
from studio.wording.value_names import IN_JAPANESE, in_japanese
from studio_app import SECONDS, SHELL, open_studio
from untrained_model import add_untrained_model

INSTRUMENT = "bass"
"""An instrument that every field applies to."""
MADE_OF_SEVERAL = ("valence", "arousal", "complexity")
SAME_IN_BOTH = ("%",)
CHORD_LINE = "i VI III VII"
EXAMPLES: dict[str, tuple[str, Any]] = {
    WEIGHTS: ("funk", {"funk": 1.0}),
    KEY: ("E:minor", Key(4, "minor")),
    CODES: ("walking", ("walking",)),
    CHORDS: (CHORD_LINE, parse_chord_line(CHORD_LINE, None)[0]),
}
"""By kind: what a person types, and the value it stands for."""


def of(*kinds: str, **having: bool) -> pytest.MarkDecorator:
    """The fields of these kinds (all, where none is named) for which the named attributes are there, or are not."""
    found = [
        field
        for field in FIELDS
        if (not kinds or field.kind in kinds) and all(bool(getattr(field, k)) == there for k, there in having.items())
    ]
    return pytest.mark.parametrize("field", found, ids=lambda field: field.name)


def limits(field: ConditionField, instrument: str = INSTRUMENT) -> tuple[float, float]:
    found = field.range_for(instrument)
    assert found is not None
    return found


def example(field: ConditionField) -> tuple[str, Any]:
    """A value that is not the default, as a person types it and as the condition holds it."""
    if field.kind == NUMBER:
        low, high = limits(field)
        return str(low + 0.25 * (high - low)), low + 0.25 * (high - low)
    if field.kind == CHOICE:
        return str(field.choices[-1]), Meter.parse("7/8") if field.name == "meter" else field.choices[-1]
    return EXAMPLES[field.kind]


def asking(field: ConditionField) -> Condition:
    return Condition(INSTRUMENT, **{field.name: example(field)[1]})


@of()
def test_the_condition_has_the_field(field: ConditionField) -> None:
    assert getattr(asking(field), field.name) == example(field)[1]
    assert (field.name in asking(field).given) == field.optional == (field.name in OPTIONAL_FIELDS)
    assert not Condition(INSTRUMENT).given


@of(NUMBER)
@pytest.mark.parametrize("instrument", GENERATED_INSTRUMENTS)
@pytest.mark.parametrize("above", [False, True], ids=["below", "above"])
def test_a_number_out_of_range_is_refused_by_name_and_unit(field: ConditionField, instrument: str, above: bool) -> None:
    if field.pitched and instrument == "drums":
        with pytest.raises(InvalidValue, match=f"^{field.called} and drums"):
            Condition("drums", **{field.name: example(field)[1]})
        return
    low, high = limits(field, instrument)
    for edge in (low, high):
        Condition(instrument, **{field.name: edge})
    with pytest.raises(InvalidValue) as refused:
        Condition(instrument, **{field.name: high + 0.01 if above else low - 0.01})
    assert str(refused.value).startswith(field.called) and field.unit in str(refused.value)


@of(NUMBER)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(field: ConditionField, value: float) -> None:
    with pytest.raises(InvalidValue, match="a finite number"):
        Condition(INSTRUMENT, **{field.name: value})


@of(CHOICE)
def test_another_choice_is_refused_by_name(field: ConditionField) -> None:
    with pytest.raises(InvalidValue, match=f"^{field.called} is"):
        Condition(INSTRUMENT, **{field.name: Meter(9, 8) if field.name == "meter" else 3})


@of()
def test_the_field_survives_json(field: ConditionField) -> None:
    asked = asking(field)
    assert Condition.from_json(json.loads(json.dumps(asked.to_json()))) == asked


@of()
def test_another_instrument_of_an_ensemble_gets_what_concerns_it(field: ConditionField) -> None:
    for instrument in ("drums", "piano"):
        lost = field.stands_alone or (field.pitched and instrument == "drums")
        value = field.not_given if lost else example(field)[1]
        assert getattr(asking(field).for_instrument(instrument), field.name) == value


@of()
def test_the_command_has_an_option_for_it(field: ConditionField) -> None:
    parser = argparse.ArgumentParser(prog="composer")
    generation.register(parser.add_subparsers())
    typed = [f"--{field.option.name}", example(field)[0]]
    arguments = parser.parse_args(["generate", "--instrument", INSTRUMENT, *typed, "-o", "takes"])
    assert getattr(generation.condition_of(arguments, INSTRUMENT), field.name) == example(field)[1]
    assert field.option.help % ()


@of()
def test_the_option_and_the_condition_start_alike(field: ConditionField) -> None:
    start = field.option.default
    if isinstance(start, str) and field.option.read is not None:
        start = field.option.read(start)
    assert getattr(Condition(INSTRUMENT), field.name) == (start or field.not_given)


@of(NUMBER, control=True)
def test_the_page_asks_for_nothing_that_is_refused(field: ConditionField) -> None:
    assert field.control is not None
    low, high = limits(field)
    if field.name in FOLDED:
        assert field.control.key == field.name
        assert low <= field.control.low < field.control.first < field.control.high <= high
    elif not field.limits_of:
        assert field.control.limits == (low, high) and low <= field.control.first <= high


def encoder(left_out: str = "") -> ConditionEncoder:
    torch.manual_seed(0)
    shape = ModelConfig.of_size(
        "tiny",
        instrument=SHARED,
        n_tokens=64,
        max_length=64,
        genres=("funk",),
        conditions=tuple(name for name in ALL_CONDITIONS if name != left_out),
        techniques=("bass:walking",),
    )
    return ConditionEncoder(shape)


def encoded(condition: Condition, left_out: str = "") -> torch.Tensor:
    shape = ModelConfig.of_size(
        "tiny", instrument=SHARED, n_tokens=64, max_length=64, genres=("funk",), techniques=("bass:walking",)
    )
    with torch.no_grad():
        return encoder(left_out).encode(arrays_of(condition, shape))


def test_the_slots_of_the_encoder_are_numbered_without_a_gap() -> None:
    assert [slot.index for slot in SLOTS] == list(range(len(SLOTS)))
    assert len({slot.name for slot in SLOTS}) == len(SLOTS)
    # What trained models read by number: new ones come after these.
    first = ("tempo_bpm", "density", "valence", "arousal", "swing_8", "swing_16", "syncopation", "register")
    assert CONTINUOUS[:9] == (*first, "complexity")


@of(NUMBER, optional=True)
def test_the_encoder_sees_a_number_only_when_it_is_given(field: ConditionField) -> None:
    (slot,) = field.slots
    without, with_it = (arrays_of(one, encoder_shape()) for one in (Condition(INSTRUMENT), asking(field)))
    others = np.arange(len(SLOTS)) != slot.index
    assert without.given[0, slot.index] == without.values[0, slot.index] == 0.0
    assert with_it.given[0, slot.index] == 1.0
    assert np.array_equal(without.values[:, others], with_it.values[:, others])
    assert np.array_equal(without.given[:, others], with_it.given[:, others])
    ends = [slot.scale(end) for end in limits(field)]
    assert -2.5 < ends[0] < ends[1] < 2.5


def encoder_shape() -> ModelConfig:
    return ModelConfig.of_size("tiny", instrument=SHARED, n_tokens=64, max_length=64, genres=("funk",))


@of(optional=True)
def test_a_new_model_learns_it_and_one_that_did_not_is_not_changed_by_it(field: ConditionField) -> None:
    assert field.name in ALL_CONDITIONS
    assert (field.name in conditions_of("drums", len(SLOTS))) == (not field.pitched)
    assert not torch.equal(encoded(asking(field)), encoded(Condition(INSTRUMENT)))
    if field.name not in FIRST_CONDITIONS:
        assert torch.equal(encoded(asking(field), field.name), encoded(Condition(INSTRUMENT), field.name))


@of(measure=True)
def test_a_number_is_measured_on_windows_and_compared_in_its_unit(field: ConditionField) -> None:
    name, how = field.name, MEASURES[field.name]
    assert how.metric in METRICS or how.metric in MADE_OF_SEVERAL
    loop = bass()
    value = measured_fields(measure(loop), loop.instrument)[name]
    assert value is not None and np.isfinite(value)
    (take,) = prepare_takes([loop])
    in_window = measured_condition(take, 0, 2).continuous[name]
    assert in_window is not None and np.isfinite(in_window)
    low, high = limits(field)
    asked = Condition(INSTRUMENT, **{name: high})
    found = [misfits(asked, {**dict.fromkeys(MEASURES), name: at}).get(name) for at in (high, (low + high) / 2, low)]
    assert found == [None] * 3 if not how.miss else found[0] == 0.0 and found == sorted(set(found))
    assert name not in misfits(Condition(INSTRUMENT), dict.fromkeys(MEASURES))


@of(row=True)
def test_a_take_is_compared_with_what_was_asked(field: ConditionField) -> None:
    row = next(row for row in compare(bass(), asking(field)).rows if row.field == field.row)
    asked = example(field)[1]
    assert row.asked == asked or str(asked) in str(row.asked)
    assert field.measure is None or isinstance(row.measured, float)
    shown = {row.field for row in compare(bass(), Condition(INSTRUMENT)).rows}
    assert (field.row in shown) == field.always_compared


@of()
def test_its_words_are_there_in_both_languages(field: ConditionField) -> None:
    keys = [f"generate.row_{field.row}"] if field.row else []
    keys += [f"generate.notice_unlearnt_{field.name}"] if field.optional else []
    if field.name in FOLDED:
        keys += [f"generate.{name}" for name in (field.name, f"use_{field.name}", f"{field.name}_format")]
    assert all(all(dictionary()[key]) for key in keys)
    called = f"{field.called} of {INSTRUMENT}" if field.limits_of else field.called
    assert in_japanese(called) != called
    if field.kind == NUMBER and field.unit not in SAME_IN_BOTH:
        assert not field.unit or f" {field.unit}" in IN_JAPANESE


@pytest.fixture(scope="module")
def studio_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    workspace = Workspace(tmp_path_factory.mktemp("fields")).create()
    add_untrained_model(workspace, INSTRUMENT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT_VARIABLE, str(workspace.root))
        yield


def moved() -> dict[str, Any]:
    """A value other than the first for each control of a field, by its key behind "generate."."""
    values: dict[str, Any] = {"instruments": [INSTRUMENT], "genre": ["funk"], "root": "E", "chords": CHORD_LINE}
    values |= {"use_valence": False, "use_arousal": False, "use_register": True}
    values |= {"bars": 8, "meter": "3/4", "swing_grid": 16, "tempo": 96, "swing": 58.5, "humanise": 40}
    for name, control in FOLDED.items():
        values |= {f"use_{name}": True, control.key: control.low + control.step}
    return values


@pytest.fixture(scope="module")
def page(studio_at: None) -> AppTest:
    app = open_studio("generate")
    for key, value in moved().items():
        app.session_state[f"generate.{key}"] = value
    app.run()
    assert not app.exception and not app.error
    return app


@pytest.fixture(scope="module")
def page_again(page: AppTest) -> AppTest:
    """The page in a session that knows nothing but the address of the first."""
    app = AppTest.from_file(SHELL, default_timeout=SECONDS)
    app.session_state[session.STARTED] = True
    app.query_params.update(address_of(page))
    app.run()
    assert not app.exception and not app.error
    return app


def address_of(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def stands(app: AppTest, key: str) -> Any:
    """The value of the control behind "generate.", that of one instrument where each has its own."""
    kinds = (app.slider, app.select_slider, app.selectbox, app.multiselect, app.text_input, app.toggle)
    groups = (app.segmented_control, app.pills) if hasattr(app, "pills") else (app.button_group,)
    found = {element.key: element for kind in (*kinds, *groups) for element in kind}
    names = [f"generate.{key}", f"generate.{key}.{INSTRUMENT}", f"generate.use_{key}"]
    return next(found[name] for name in names if name in found).value


@of(control=True)
def test_the_page_has_a_control_for_it(field: ConditionField, page: AppTest) -> None:
    assert field.control is not None
    value = stands(page, field.control.key)
    assert field.name not in FOLDED or value == moved()[field.control.key] != field.control.first


@of(address=True)
def test_the_address_brings_the_control_back(field: ConditionField, page: AppTest, page_again: AppTest) -> None:
    assert field.control is not None
    assert field.address in address_of(page)
    assert address_of(page_again)[field.address] == address_of(page)[field.address]
    assert stands(page_again, field.control.key) == stands(page, field.control.key)


def test_no_two_fields_share_a_name() -> None:
    for names in (
        [field.name for field in FIELDS],
        [field.option.name for field in FIELDS],
        [field.address for field in FIELDS if field.address],
        [field.control.key for field in FIELDS if field.control is not None],
        [field.row for field in FIELDS if field.row],
    ):
        assert len(set(names)) == len(names)
    assert list(FIELD) == [field.name for field in FIELDS]
