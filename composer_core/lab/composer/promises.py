"""The promises about a shipped composer, each with its measured figure and whether it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VALENCE_INSTRUMENTS = ("guitar", "piano", "strings")
PASS_MARK = 70.0
Promise = dict[str, object]


def promises(report: Mapping[str, object]) -> list[Promise]:
    """Rows of name, figure, sign, limit and kept (None: not measured) of the parts that were measured."""
    parts = {
        "validity": _validity,
        "asked": _control,
        "emotion": _emotion,
        "likelihood": _likelihood,
        "scores": _loops,
        "speed": _speed,
    }
    return [row for part, rows in parts.items() if part in report for row in rows(report)]


def _row(name: str, figure: float | None, at_least: float | None = None, at_most: float | None = None) -> Promise:
    limit = at_least if at_least is not None else at_most
    kept = None
    if figure is not None and limit is not None:
        kept = figure >= limit if at_least is not None else figure <= limit
    return {
        "name": name,
        "figure": figure,
        "sign": ">=" if at_least is not None else "<=",
        "limit": limit,
        "kept": kept,
    }


def _validity(report: Mapping[str, Any]) -> list[Promise]:
    found = report["validity"]
    return [_row(f"valid of {found['n']} random requests", found["valid_rate"], 1.0)]


def _control(report: Mapping[str, Any]) -> list[Promise]:
    asked = report["asked"]
    rows = [_row(f"{name} exact", asked[f"{name}_exact_rate"], 1.0) for name in ("tempo", "metre", "bars")]
    if "key" in asked:
        rows.append(_row("in scale, share of real loops' own", asked["key"]["share_of_real"], 0.95))
    rows.append(_row("density asked against measured, Spearman", asked["density"]["spearman"], 0.8))
    if report["genre"]:
        rows.append(_row("genre judged right, share of real loops' own", report["genre"]["share_of_real"], 0.7))
    return rows


def _emotion(report: Mapping[str, Any]) -> list[Promise]:
    judged = report["emotion"].get("judged", {})
    limits = {"arousal": 0.7} | ({"valence": 0.5} if report["instrument"] in VALENCE_INSTRUMENTS else {})
    return [
        _row(f"{axis} asked against judged, Pearson", judged.get(axis, {}).get("pearson"), limit)
        for axis, limit in limits.items()
    ]


def _likelihood(report: Mapping[str, Any]) -> list[Promise]:
    gains = report["likelihood"]["gain_over"]
    name = next((name for name in gains if "repeat_aware" in name), None)
    return [_row("nats a note saved over the repeat-aware n-gram", gains[name]["gain"] if name else None, 0.15)]


def _loops(report: Mapping[str, Any]) -> list[Promise]:
    human, made = (report["scores"].get(name, {}).get("total", {}) for name in ("human", "generated"))
    rows = [
        _row("total p50 without selection, share of human loops' p50", _share(made.get("p50"), human.get("p50")), 0.9),
        _row("total p50 without selection", made.get("p50"), PASS_MARK),
    ]
    own, real = (report["memorisation"][name] for name in ("generated", "validation"))
    nearest = _share(own["nearest_distance_median"], real["nearest_distance_median"])
    rows.append(_row("distance to the nearest training bar, share of human loops' own", nearest, 0.8))
    more = None
    if own["bars_seen_rate"] is not None and real["bars_seen_rate"] is not None:
        more = own["bars_seen_rate"] - real["bars_seen_rate"]
    rows.append(_row("bars seen in training, more than human loops' share", more, at_most=0.10))
    return rows


def _speed(report: Mapping[str, Any]) -> list[Promise]:
    speed = report["speed"]
    return [
        _row("seconds of a four-bar take, p50", speed["one_take_sec"]["p50"], at_most=0.7),
        _row("seconds of the best of eight, p50", speed["best_of_8_sec"]["p50"], at_most=1.5),
        _row("memory, MiB", speed["memory_mib"], at_most=600.0),
    ]


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
