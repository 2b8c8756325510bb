"""Format a report as tables of text: the command prints them, the card repeats them and the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table with a paragraph before it; `key` is the part of the report it shows."""

    key: str
    title: str
    about: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sections(report: Report) -> list[Section]:
    """A section for every part that was measured, promises first."""
    makers = {
        "promises": _promises,
        "validity": _validity,
        "asked": _request_table,
        "technique": _technique,
        "emotion": _emotion,
        "control": _sides,
        "likelihood": _likelihood,
        "distribution": _distribution,
        "scores": _scores,
        "memorisation": _memorisation,
        "speed": _speed,
    }
    return [make(report) for key, make in makers.items() if report.get(key)]


def number(value: object, digits: int = 3) -> str:
    """A number for a table; a dash for what was not measured."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"


def spoken(name: str) -> str:
    """A key of the report as words."""
    return name.replace("_", " ")


def _range(pair: Sequence[float] | None) -> str:
    return "-" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"


def _promises(report: Mapping[str, Any]) -> Section:
    words = {True: "kept", False: "NOT KEPT", None: "not measured"}
    rows = [
        (row["name"], number(row["figure"]), f"{row['sign']} {number(float(row['limit']), 2)}", words[row["kept"]])
        for row in report["promises"]
    ]
    about = "What a shipped model is held to, as measured in this run."
    return Section("promises", "Promises", about, ("promise", "measured", "limit", ""), tuple(rows))


def _validity(report: Mapping[str, Any]) -> Section:
    found = report["validity"]
    about = (
        f"{found['n']} random requests over all metres and lengths, each written as a MIDI file and read back: exact "
        "bars, metre and tempo, no note outside the loop or the instrument's range. "
        f"Faults: {', '.join(f'{name} {n}' for name, n in found['faults'].items()) or 'none'}."
    )
    rows = [("all", number(found["valid_rate"])), *((m, number(rate)) for m, rate in found["by_meter"].items())]
    return Section("validity", "Validity", about, ("metre", "valid"), tuple(rows))


def _request_table(report: Mapping[str, Any]) -> Section:
    found = report["asked"]
    rows = [(f"{n}, exact", number(found[f"{n}_exact_rate"]), "1.000", number(found["n"])) for n in _EXACT]
    for name in ("key", "chords"):
        if name in found:
            row = found[name]
            rows.append((f"{name}, rate inside", number(row["rate"]), number(row["real_rate"]), number(row["n"])))
    for name in ("density", "register"):
        if name in found:
            row = found[name]
            span = f"{number(row['spearman'])} ({_range(row['spearman_interval'])})"
            rows.append((f"{name}, Spearman", span, number(row.get("real_on_grid")), number(row["n"])))
            rows.append((f"{name}, median error", number(row["median_error"]), "", number(row["n"])))
    for name, row in found["swing"].items():
        rows.append((f"swing within 0.03, {spoken(name)}", number(row["within_0_03"]), "", number(row["n"])))
        rows.append((f"swing, median error, {spoken(name)}", number(row["p50"]), "", number(row["n"])))
    genre = report.get("genre")
    if genre:
        real = number(genre["real_judged_right"])
        rows.append(("genre judged right", number(genre["judged_right"]), real, number(genre["n"])))
        rows.append(("genre, always the commonest", number(genre["always_commonest"]), "", number(genre["n"])))
    about = (
        "Requests with tempo, metre and genre of held-out loops and key, chords, density (among real loops' own), "
        "register and swing drawn alone, each half the time not given. Beside each rate the same measure of real "
        "loops; for density that of their notes on the grid against as played. The genre estimator learnt from the "
        "same data set as the model."
    )
    return Section("asked", "Control", about, ("asked", "generated", "real loops", "takes"), tuple(rows))


_EXACT = ("tempo", "metre", "bars")


def _technique(report: Mapping[str, Any]) -> Section:
    rows = [
        (spoken(code), number(row["asked"]), number(row["not_asked"]), number(row["real"]), number(row["n"]))
        for code, row in report["technique"].items()
    ]
    about = "How often the rules that labelled the training windows hear a technique: asked for, not asked for, real."
    head = ("technique", "asked", "not asked", "real loops", "takes asked")
    return Section("technique", "Technique", about, head, tuple(rows))


def _emotion(report: Mapping[str, Any]) -> Section:
    found, rows = report["emotion"], []
    for judge, title in (("judged", "judge on people's ratings"), ("labeller", "estimator that labelled the data")):
        for axis, row in found.get(judge, {}).items():
            cells = (number(row["pearson"]), _range(row["pearson_interval"]), number(row["ccc"]))
            rows.append((axis, title, *cells, number(row.get("real_pearson")), number(row["n"])))
    about = (
        "Valence and arousal over a 9 x 9 grid at 110 BPM; nothing else is given. "
        "'Agreement on real loops' is the correlation of the judge with the labelling estimator on held-out human "
        "loops, which spread less than the grid: how far the two mean the same, not a limit of what takes reach."
    )
    if "judge" in found:
        parts = (f"{axis} {value:.3f}" for axis, value in found["judge"]["held_out_accuracy"].items())
        about += f" The judge: {found['judge']['about']}; right on held-out clips: {', '.join(parts)}."
    head = ("axis", "judge", "Pearson", "95 % interval", "CCC", "agreement on real loops", "takes")
    return Section("emotion", "Emotion", about, head, tuple(rows))


def _sides(report: Mapping[str, Any]) -> Section:
    rows = [
        (axis, spoken(name), number(row["auc"]), number(row["low_mean"]), number(row["high_mean"]))
        for axis, table in report["control"].items()
        for name, row in table.items()
    ]
    about = (
        "The lowest third of the grid against the highest. "
        "AUC is the chance that a take of the high side measures more."
    )
    head = ("asked", "measured", "AUC", "mean low", "mean high")
    return Section("control", "What emotion moves", about, head, tuple(rows))


def _likelihood(report: Mapping[str, Any]) -> Section:
    found, rows = report["likelihood"], []
    songs = f" of {found['n_songs']} songs" if "n_songs" in found else ""
    for name, value in found["nats_per_note"].items():
        gain = found["gain_over"].get(name)
        span = "" if gain is None else f"{gain['interval'][0]:.1%} to {gain['interval'][1]:.1%}"
        rows.append((spoken(name), number(value), "" if gain is None else f"{gain['gain']:.1%}", span))
    about = (
        f"{found['n_takes']} held-out parts{songs}, {found['n_notes']} notes. Model: 95 % "
        f"interval over songs {_range(found['model_interval'])}. The n-grams read the same bars, tuned on other takes."
    )
    head = ("nats a note", "", "saved by the model", "95 % interval, paired over songs")
    return Section("likelihood", "Likelihood", about, head, tuple(rows))


def _distribution(report: Mapping[str, Any]) -> Section:
    rows = [
        (
            spoken(name),
            number(row["overlap_mean"]),
            number(row["empty_beat_rate"]),
            number(row["median"].get("groove_consistency")),
            number(row["median"].get("pitch_class_entropy")),
            number(report["n_compared"][name]),
        )
        for name, row in report["distribution"]["systems"].items()
    ]
    about = (
        "Loops that answer the requests of held-out human loops, baselines too. Overlap: mean over all metrics of the "
        "overlapping area of histograms with human loops'; of human loops themselves it is one half against the other."
    )
    head = ("loops", "overlap", "empty beats", "groove consistency p50", "pitch class entropy p50", "n")
    return Section("distribution", "Distribution", about, head, tuple(rows))


def _scores(report: Mapping[str, Any]) -> Section:
    rows = [
        (spoken(system), spoken(axis), *(number(row[p], 1) for p in ("p10", "p50", "p90")), number(row["n"]))
        for system, table in report["scores"].items()
        for axis, row in table.items()
    ]
    about = "Scores from 0 to 100. An instrument without a calibration has none; then this table is empty."
    if report.get("takes_on_grid"):
        about += (
            " The scores' reference is notated music without timing, so takes are compared on the grid (humanise 0 %)."
        )
    return Section("scores", "Scores", about, ("loops", "score", "p10", "p50", "p90", "n"), tuple(rows))


def _memorisation(report: Mapping[str, Any]) -> Section:
    found = report["memorisation"]
    names = list(found)
    rows = [(spoken(key), *(number(found[name][key]) for name in names)) for key in found["generated"]]
    about = (
        "A bar is seen when exactly its notes stand in training; distance is the mean Jaccard distance of a loop's "
        "bars to the nearest training bar, median over loops. Validation: the human loops that were asked for."
    )
    return Section("memorisation", "Memorisation", about, ("", *map(spoken, names)), tuple(rows))


def _speed(report: Mapping[str, Any]) -> Section:
    found = report["speed"]
    rows = [
        ("one four-bar take, seconds p50", number(found["one_take_sec"]["p50"])),
        ("one four-bar take, seconds p95", number(found["one_take_sec"]["p95"])),
        ("best of eight, seconds p50", number(found["best_of_8_sec"]["p50"])),
        ("best of eight, seconds p95", number(found["best_of_8_sec"]["p95"])),
        ("tokens a second", number(found["tokens_per_sec"], 0)),
        ("memory, MiB", number(found["memory_mib"], 0)),
    ]
    about = (
        f"{found['threads']} threads on {found['cores']} cores, load average {found['load_average']}: above the number "
        "of cores other programs slowed it down."
    )
    return Section("speed", "Speed", about, ("", "measured"), tuple(rows))


def markdown(section: Section) -> str:
    """A section for a model card."""
    lines = [section.about, "", f"| {' | '.join(section.head)} |", f"|{'---|' * len(section.head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in section.rows), ""])


def text_lines(report: Report) -> list[str]:
    """The report for a terminal."""
    lines = [f"{report['model']}, {report['instrument']}"]
    for section in sections(report):
        table = [row for row in (section.head, *section.rows) if any(row)]
        widths = [max(len(row[column]) for row in table) for column in range(len(section.head))]
        lines += ["", section.title, section.about]
        lines += [
            "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table
        ]
    return lines
