"""A report as one HTML file that asks nothing of the net: tables, and plots as inline SVG. All text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from composer_core.lab.composer.plots import heat_map, histogram, range_bars, scatter
from composer_core.lab.composer.promises import PASS_MARK
from composer_core.lab.composer.text import Report, Section, sections, spoken

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:66rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin:2.2rem 0 .3rem}p{max-width:48rem;margin:.3rem 0 .8rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.2rem .9rem .2rem 0;text-align:left;
border-bottom:1px solid #ddd}.kept{color:#117733}.broken{color:#aa3344;font-weight:600}.plots{display:flex;
flex-wrap:wrap;gap:1rem;margin:.8rem 0}svg text{font-size:11px;fill:#333}svg .title{font-size:12px;font-weight:600}
.axis{stroke:#888}.limit{stroke:#444;stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181a1d}td,th{border-color:#3a3d42}svg text{fill:#ccc}
.kept{color:#66c289}.broken{color:#ff8fa0}}
"""
_CLASSES = {"kept": "kept", "NOT KEPT": "broken"}


def page(report: Report) -> str:
    """The whole page."""
    title = f"{report['model']}: {report['instrument']}"
    facts = f"Model hash {report['model_hash']}, seed {report['seed']}, {report['n_human_loops']} held-out human loops."
    body = "".join(_section(section, report) for section in sections(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>{escape(facts)}</p>{body}</body></html>\n"
    )


def _section(section: Section, report: Report) -> str:
    plots = [plot for plot in _PLOTS.get(section.key, lambda _: [])(report) if plot]
    drawn = f'<div class="plots">{"".join(plots)}</div>' if plots else ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in section.head)
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in section.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if section.rows else ""
    return f"<h2>{escape(section.title)}</h2><p>{escape(section.about)}</p>{drawn}{table}"


def _cell(text: str) -> str:
    name = _CLASSES.get(text)
    return f'<td class="{name}">{escape(text)}</td>' if name else f"<td>{escape(text)}</td>"


def _asked_plots(report: Report) -> list[str]:
    return [
        scatter(f"{name.capitalize()} asked against measured", report["asked"][name]["points"], ("asked", "measured"))
        for name in ("density", "register")
        if name in report["asked"]
    ]


def _emotion_plots(report: Report) -> list[str]:
    judged: Mapping[str, Any] = report["emotion"].get("judged", {})
    lows = {"valence": -1.0, "arousal": 0.0}
    return [
        heat_map(f"{axis.capitalize()} as judged", row["cells"], lows[axis], 1.0, ("valence", "arousal"))
        for axis, row in judged.items()
    ]


def _distribution_plots(report: Report) -> list[str]:
    found = report["distribution"]["histograms"]
    return [histogram(spoken(name), row, ("human", "generated")) for name, row in found.items() if row]


def _score_plots(report: Report) -> list[str]:
    rows = [
        (system, table["total"]["p10"], table["total"]["p50"], table["total"]["p90"])
        for system, table in report["scores"].items()
        if "total" in table
    ]
    return [range_bars("Total: p10 to p90, mark at p50; dashed: the pass mark", rows, PASS_MARK)] if rows else []


_PLOTS: dict[str, Callable[[Report], list[str]]] = {
    "asked": _asked_plots,
    "emotion": _emotion_plots,
    "distribution": _distribution_plots,
    "scores": _score_plots,
}
