"""The filters at the side: values with the number of loops each would leave, ranges over their histograms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from studio.wording.text import t

_HERE = Path(__file__).resolve().parent
_WORDS = ("filters", "search", "hint", "clear", "from", "to", "comma")

_component = st.components.v2.component(
    "composer_facets",
    html=(_HERE / "facets.html").read_text(encoding="utf-8"),
    css=(_HERE / "facets.css").read_text(encoding="utf-8"),
    js=(_HERE / "facets.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True)
class Option:
    """A value to filter by, its name on screen, and how many loops choosing it would leave."""

    code: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Choices:
    """A filter by values; a folded one need not be `counted`."""

    id: str
    title: str
    options: Sequence[Option]
    open: bool = False
    counted: bool = True
    kind: str = field(default="choices", init=False)


@dataclass(frozen=True, slots=True)
class RangeFacet:
    """A filter by a span: `counts` is a histogram of equal bins over `bounds`."""

    id: str
    title: str
    bounds: tuple[float, float]
    counts: Sequence[int]
    unit: str = ""
    step: float = 1
    open: bool = False
    counted: bool = True
    kind: str = field(default="range", init=False)


@dataclass(frozen=True, slots=True)
class FacetChoice:
    """What a person asked for: text, and by filter its values or its (from, to); which filters are unfolded.

    `seq` counts up.
    """

    text: str
    asked: dict[str, object]
    seq: int
    open: tuple[str, ...] = ()


def facet_rail(
    *, key: str, groups: Sequence[Choices | RangeFacet], asked: FacetChoice, on_change: Callable[[FacetChoice], None]
) -> None:
    """Draw the filters as asked; `on_change` is called, as a callback, with what a person asks for next."""
    words = {word: t(f"facets.{word}") for word in _WORDS}
    data = {
        "words": words,
        "groups": [asdict(group) for group in groups],
        "text": asked.text,
        "asked": asked.asked,
        "seq": asked.seq,
    }
    _component(key=key, data=data, on_asked_change=lambda: _asked(key, on_change))


def _asked(key: str, on_change: Callable[[FacetChoice], None]) -> None:
    given: dict[str, Any] | None = st.session_state[key].get("asked")
    if given:
        on_change(FacetChoice(str(given["text"]), dict(given["asked"]), int(given["seq"]), tuple(given["open"])))
