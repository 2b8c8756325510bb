"""The recipe of each shipped composer: its data, its training, and the model it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from composer_core.errors import require_choice

_ALL_TRAININGS: dict[str, Any] = {
    "size": "small",
    "asked_meters": True,
    "merges": 500,
    "batch": 64,
    "precision": "bfloat16",
}


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """One shipped model.

    `training` holds fields of TrainConfig; `start` names the recipe whose model it goes on from;
    `until` ends the training at a step before the schedule's last (0: at its end) and keeps that
    step's weights instead of the best on the dev takes; `sets` names folders of permitted sets
    (all of the instrument's when empty). `evaluated` are the instruments its card has figures of;
    none for a model that only others start from. `story` is the card's sentence on its training,
    `sampling` the settings its takes are sampled with where they are not the defaults.
    """

    name: str
    instrument: str
    training: Mapping[str, object] = field(default_factory=dict)
    start: str = ""
    until: int = 0
    sets: tuple[str, ...] = ()
    evaluated: tuple[str, ...] = ()
    story: str = ""
    sampling: Mapping[str, object] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, object]:
        """Every field of its TrainConfig but `start`."""
        return {**_ALL_TRAININGS, "instrument": self.instrument, **self.training}


_BASE_SAMPLING: dict[str, Any] = {
    "temperature": 0.8,
    "top_p": 0.9,
    "guidance": 1.5,
    "steering": 1.0,
    "instruments": {
        "bass": {"temperature": 1.0, "top_p": 0.95, "guidance": 2.0},
        "guitar": {"temperature": 0.9, "top_p": 0.95, "guidance": 2.0},
        "piano": {"temperature": 0.6, "top_p": 0.92},
        "strings": {"guidance": 2.0},
    },
}
"""Chosen on requests of dev songs by total and distance to training;
see docs/decisions/0023-sampling-by-instrument.md."""
_FIRST = "composer-first"
_PITCHED = ("bass", "guitar", "piano", "strings")
RECIPES = {
    recipe.name: recipe
    for recipe in (
        TrainingRecipe(
            _FIRST,
            "all",
            {
                "epochs": 3,
                "windows_an_instrument": 12_000,
                "learning_rate": 2.5e-3,
                "warm_up": 100,
                "validate_every": 250,
                "checkpoint_every": 100,
                "patience": 20,
            },
            until=1680,
        ),
        TrainingRecipe(
            "composer-base",
            "all",
            {
                "steps": 240,
                "windows_an_instrument": 12_000,
                "learning_rate": 1e-3,
                "warm_up": 10,
                "validate_every": 240,
                "checkpoint_every": 20,
                "patience": 20,
            },
            _FIRST,
            evaluated=_PITCHED,
            story="1680 steps of all five instruments at a high rate, then on from there with the rate falling:",
            sampling=_BASE_SAMPLING,
        ),
        TrainingRecipe(
            "composer-drums-tuned",
            "drums",
            {
                "steps": 640,
                "windows_an_instrument": 26_000,
                "learning_rate": 1e-3,
                "warm_up": 15,
                "validate_every": 80,
                "checkpoint_every": 50,
                "patience": 4,
            },
            _FIRST,
            sets=("cc-by/gmd",),
            evaluated=("drums",),
            story="1680 steps of all five instruments at a high rate, then all weights on drums alone:",
        ),
    )
}


def recipe(name: str) -> TrainingRecipe:
    """A recipe by its model's name; InvalidValue lists the names."""
    require_choice("model to build", name, tuple(RECIPES))
    return RECIPES[name]
