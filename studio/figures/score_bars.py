"""Draw scores as bars, and say in words what lowered them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from composer_core.estimate.scores.explain import Explanation
from composer_core.metrics import METRICS
from studio.wording.names import metric_name
from studio.wording.text import t

_MOST_REASONS = 3


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


def explanation_lines(explained: Mapping[str, Explanation]) -> list[str]:
    """A line for the total and each axis below the average human loop: the metrics that cost points, and how many."""
    lines = []
    for axis, why in explained.items():
        parts = [
            t("library.why_points", metric=_measured_name(name), points=f"{-points:.0f}")
            for name, points in why.pulled_down(_MOST_REASONS)
        ]
        if parts:
            lines.append(t("library.why", axis=t(f"score.{axis}"), what=t("library.comma").join(parts)))
    return lines


def _measured_name(name: str) -> str:
    return metric_name(name) if name in METRICS else t("library.why_bars")
