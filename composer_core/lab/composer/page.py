"""Write a report as one HTML file that loads nothing: tables, and plots as inline SVG. All text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, cast

from composer_core.lab.composer.promises import PASS_MARK
from composer_core.lab.composer.text import Report, Section, sections, spoken

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 260, 170, 40, 26, 34
COLOURS = ("#4477aa", "#cc6677")
"""Human, generated: told apart by people who see no difference of red and green."""
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


def _svg(title: str, body: Sequence[str], width: int = WIDTH, height: int = HEIGHT) -> str:
    name = escape(title)
    heading = f'<text x="4" y="15" class="title">{name}</text>'
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{heading}{''.join(body)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str, opacity: float = 0.55) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(0.0, height):.1f}" '
        f'fill="{colour}" fill-opacity="{opacity:.2f}"/>'
    )


def short(value: float) -> str:
    """A number of an axis in few digits."""
    return f"{value:.3g}"


def histogram(title: str, found: Mapping[str, object], names: Sequence[str]) -> str:
    """Shares of two kinds of loops over equal bins, laid over each other."""
    columns = [cast(Sequence[float], found[name]) for name in names]
    top = max((share for column in columns for share in column), default=0.0) or 1.0
    wide, tall = (WIDTH - LEFT - 8) / len(columns[0]), HEIGHT - TOP - BOTTOM
    body = [
        _rect(LEFT + i * wide, TOP + tall * (1 - share / top), wide, tall * share / top, colour)
        for column, colour in zip(columns, COLOURS, strict=True)
        for i, share in enumerate(column)
    ]
    base = TOP + tall
    body += [
        f'<line x1="{LEFT}" y1="{base}" x2="{WIDTH - 8}" y2="{base}" class="axis"/>',
        _text(LEFT, base + 14, short(cast(float, found["low"]))),
        _text(WIDTH - 12, base + 14, short(cast(float, found["high"])), "end"),
        _text(LEFT - 4, TOP + 8, f"{top:.0%}", "end"),
    ]
    for index, (name, colour) in enumerate(zip(names, COLOURS, strict=True)):
        x = LEFT + index * 100
        body += [_rect(x, HEIGHT - 12, 9, 9, colour), _text(x + 13, HEIGHT - 4, name.replace("_", " "), "start")]
    return _svg(title, body)


def heat_map(title: str, cells: Sequence[Sequence[float]], low: float, high: float, axes: tuple[str, str]) -> str:
    """Means a cell, dark where high; the first row at the bottom."""
    n_rows, n_columns = len(cells), len(cells[0])
    size = min((WIDTH - LEFT - 8) / n_columns, (HEIGHT - TOP - BOTTOM) / n_rows)
    body = []
    for row, values in enumerate(cells):
        for column, value in enumerate(values):
            share = min(1.0, max(0.0, (value - low) / (high - low)))
            x, y = LEFT + column * size, TOP + (n_rows - 1 - row) * size
            body.append(_rect(x, y, size, size, COLOURS[0], 0.06 + 0.94 * share))
    base = TOP + n_rows * size
    body += [_text(LEFT + n_columns * size / 2, base + 14, f"{axes[0]} asked"), _text(LEFT - 4, base, "low", "end")]
    body += [_text(LEFT - 4, TOP + 8, "high", "end"), _text(LEFT, HEIGHT - 4, f"rows: {axes[1]} asked", "start")]
    return _svg(title, body)


def scatter(title: str, points: Sequence[Sequence[float]], axes: tuple[str, str]) -> str:
    """Points with the line on which both are equal."""
    if not points:
        return ""
    values = [value for point in points for value in point]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    wide, tall = WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM

    def place(point: Sequence[float]) -> tuple[float, float]:
        """Pixels of a point, x to the right and y down."""
        return LEFT + (point[0] - low) / span * wide, TOP + tall * (1 - (point[1] - low) / span)

    body = [f'<line x1="{LEFT}" y1="{TOP + tall}" x2="{LEFT + wide}" y2="{TOP}" class="axis"/>']
    for point in points:
        x, y = place(point)
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{COLOURS[1]}" fill-opacity="0.5"/>')
    body += [_text(LEFT, TOP + tall + 14, short(low)), _text(LEFT + wide, TOP + tall + 14, short(high), "end")]
    body += [_text(LEFT, HEIGHT - 4, f"across: {axes[0]}, up: {axes[1]}", "start")]
    return _svg(title, body)


def range_bars(title: str, rows: Sequence[tuple[str, float, float, float]], limit: float | None = None) -> str:
    """A line from low to high with a mark between, 0 to 100, one a row; `limit` as a dashed line."""
    width, row_height, left = 540, 24, 150
    height = TOP + row_height * len(rows) + 24

    def x_of(value: float) -> float:
        """Pixels from the left of a value from 0 to 100."""
        return left + value / 100 * (width - left - 20)

    body = []
    for index, (name, low, middle, high) in enumerate(rows):
        y = TOP + row_height * (index + 0.5)
        colour = COLOURS[0] if name == "human" else COLOURS[1]
        body += [
            _text(left - 8, y + 4, name.replace("_", " "), "end"),
            _rect(x_of(low), y - 5, x_of(high) - x_of(low), 10, colour, 0.35),
            f'<circle cx="{x_of(middle):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>',
        ]
    base = TOP + row_height * len(rows)
    body += [_text(x_of(value), base + 16, short(value)) for value in (0, 50, 100)]
    if limit is not None:
        body.append(f'<line x1="{x_of(limit)}" y1="{TOP}" x2="{x_of(limit)}" y2="{base}" class="limit"/>')
    return _svg(title, body, width, height)


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


def _section(section: Section, report: Mapping[str, Any]) -> str:
    draw = _PLOTS.get(section.key)
    plots = [plot for plot in draw(report) if plot] if draw else []
    drawn = f'<div class="plots">{"".join(plots)}</div>' if plots else ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in section.head)
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in section.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if section.rows else ""
    return f"<h2>{escape(section.title)}</h2><p>{escape(section.about)}</p>{drawn}{table}"


def _cell(text: str) -> str:
    name = _CLASSES.get(text)
    return f'<td class="{name}">{escape(text)}</td>' if name else f"<td>{escape(text)}</td>"


def _request_plots(report: Mapping[str, Any]) -> list[str]:
    return [
        scatter(f"{name.capitalize()} asked against measured", report["asked"][name]["points"], ("asked", "measured"))
        for name in ("density", "register")
        if name in report["asked"]
    ]


def _emotion_plots(report: Mapping[str, Any]) -> list[str]:
    judged: Mapping[str, Any] = report["emotion"].get("judged", {})
    lows = {"valence": -1.0, "arousal": 0.0}
    return [
        heat_map(f"{axis.capitalize()} as judged", row["cells"], lows[axis], 1.0, ("valence", "arousal"))
        for axis, row in judged.items()
    ]


def _distribution_plots(report: Mapping[str, Any]) -> list[str]:
    found = report["distribution"]["histograms"]
    return [histogram(spoken(name), row, ("human", "generated")) for name, row in found.items() if row]


def _score_plots(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (system, table["total"]["p10"], table["total"]["p50"], table["total"]["p90"])
        for system, table in report["scores"].items()
        if "total" in table
    ]
    return [range_bars("Total: p10 to p90, mark at p50; dashed: the pass mark", rows, PASS_MARK)] if rows else []


_PLOTS: dict[str, Callable[[Report], list[str]]] = {
    "asked": _request_plots,
    "emotion": _emotion_plots,
    "distribution": _distribution_plots,
    "scores": _score_plots,
}
