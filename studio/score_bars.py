"""Scores drawn as bars."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from studio.text import t


def score_bars(scores: Mapping[str, float | None], pass_mark: float) -> str:
    """The scores as HTML bars with the pass mark on each; axes that do not apply are named as such."""
    parts = ['<div class="scores">']
    for axis, value in scores.items():
        name = f'<span class="axis">{escape(t(f"score.{axis}"))}</span>'
        if value is None:
            parts.append(f'<div class="{axis}">{name}<span class="none">{escape(t("library.not_scored"))}</span></div>')
            continue
        state = "below" if value < pass_mark else "above"
        lane = f'<span class="lane"><b style="width:{value:.0f}%"></b><i style="left:{pass_mark:.0f}%"></i></span>'
        parts.append(f'<div class="{axis} {state}">{name}{lane}<span class="value">{value:.0f}</span></div>')
    return "".join([*parts, "</div>"])
