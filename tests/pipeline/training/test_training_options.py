"""Every option of a training: what it may be, and the same in a request, its command and its configuration."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from composer_core.cli import build_parser
from composer_core.errors import InvalidValue
from composer_core.model.config import SHARED, TrainConfig
from composer_core.model.training_options import TRAIN_OPTIONS, TrainOption
from composer_core.pipeline.models import ALL
from composer_core.pipeline.training import runs
from composer_core.pipeline.training.runs import TrainRequest, command_line, request_of
from composer_core.workspace import Workspace
from studio.train.form import DEFAULTS

OF_COMMAND = {"output", "config", "workspace"}
CONFIG = {spec.name: spec for spec in fields(TrainConfig)}
REQUEST = {spec.name: spec for spec in fields(TrainRequest)}
GIVEN = {"instrument": "drums", "data": "library", "start": "mine"}
PARSER = build_parser()
each = pytest.mark.parametrize("option", TRAIN_OPTIONS.values(), ids=attrgetter("name"))
BOUNDED = [option for option in TRAIN_OPTIONS.values() if option.choices or option.low is not None]


def mistakes(option: TrainOption) -> list[Any]:
    """Values just outside what the option may be."""
    if option.choices:
        return ["", "nonesuch"]
    assert option.low is not None and option.high is not None
    step = 1 if option.kind is int else 1e-9 + abs(option.high) * 1e-6
    return [option.low - step, option.high + step]


def values(option: TrainOption) -> some.SearchStrategy[Any]:
    """Values that a request may hold for the option."""
    if option.choices:
        return some.sampled_from(option.choices)
    if option.kind is bool:
        return some.booleans()
    if option.kind is int:
        low, high = (None if end is None else int(end) for end in (option.low, option.high))
        return some.integers(low, high)
    return some.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True) if option.name == "name" else some.text()


@some.composite
def requests(draw: some.DrawFn) -> TrainRequest:
    """Any request that is not refused."""
    said = {name: draw(values(TRAIN_OPTIONS[name])) for name in REQUEST}
    said["steps"] = said["steps"] or None
    said["adapter"] = said["adapter"] and bool(said["start"])
    return TrainRequest(**said)


@each
def test_an_option_is_a_field_of_its_kind(option: TrainOption) -> None:
    assert option.name in {*CONFIG, *REQUEST, *OF_COMMAND}
    for owner, known in ((TrainConfig, CONFIG), (TrainRequest, REQUEST)):
        if option.name in known:
            assert get_type_hints(owner)[option.name] in (option.kind, option.kind | None)
            default = known[option.name].default
            if option.name not in GIVEN and default is not None:
                option.check(default)
                assert owner(**({} if owner is TrainConfig else GIVEN) | {option.name: default})
    assert not option.flags or option.flags[-1] == f"--{option.name}"


def test_every_field_is_declared() -> None:
    assert {*CONFIG, *REQUEST, *OF_COMMAND} == {*TRAIN_OPTIONS}
    assert SHARED == ALL == TRAIN_OPTIONS["instrument"].choices[-1]


@pytest.mark.parametrize("option", BOUNDED, ids=attrgetter("name"))
def test_a_value_outside_is_refused_by_name(option: TrainOption) -> None:
    for owner, known in ((TrainConfig, CONFIG), (TrainRequest, REQUEST)):
        for value in mistakes(option) if option.name in known else []:
            with pytest.raises(InvalidValue) as refused:
                owner(**{**({} if owner is TrainConfig else GIVEN), option.name: value})
            assert refused.value.values["name"] == (option.called or option.name)


@given(request=requests())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_command_of_a_request_asks_for_the_same(request: TrainRequest) -> None:
    arguments = PARSER.parse_args(command_line(request, "RUN")[1:])
    assert str(arguments.output) == "RUN"
    read = {name: getattr(arguments, name) for name in REQUEST if TRAIN_OPTIONS[name].flags}
    said = {name: REQUEST[name].default if value is None else value for name, value in read.items()}
    assert TrainRequest(**said, name=request.name) == request


@given(request=requests())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_request_is_read_back_from_its_run(request: TrainRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "request.json").write_text(json.dumps(asdict(request)))
    assert runs._request_of(folder) == request


@given(request=requests())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_configuration_of_a_request_stands_for_it(request: TrainRequest) -> None:
    shared = {name: value for name, value in asdict(request).items() if name in CONFIG}
    config = TrainConfig(**{**shared, "steps": request.steps or 0})
    again = request_of(config, request.data, request.start)
    assert asdict(again) | {"name": request.name} == asdict(request)


def test_what_a_run_saves_begins_as_it_always_did() -> None:
    order = ["instrument", "data", "size", "steps", "device", "seed", "name", "start", "adapter"]
    assert list(asdict(TrainRequest("drums", "library")))[: len(order)] == order


def test_an_unknown_option_of_a_run_is_refused_by_name(tmp_path: Path) -> None:
    folder = Workspace(tmp_path).create().runs / "mine"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text('{"instrument": "drums", "data": "library", "sise": "tiny"}')
    with pytest.raises(InvalidValue, match="sise"):
        runs.status(Workspace(tmp_path), "mine")


def test_the_page_begins_where_a_request_does() -> None:
    begun = {key.removeprefix("train."): value for key, value in DEFAULTS.items()}
    assert {name: begun[name] for name in ("size", "seed", "device")} == {
        name: REQUEST[name].default for name in ("size", "seed", "device")
    }
