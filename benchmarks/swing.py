"""Is swing recovered? Kits swung by the rules and jittered; human takes by style; takes snapped to straight 16ths.

    python benchmarks/swing.py [DATA]

DATA is the folder that holds cc-by/gmd; without it the two tables of human takes are left out.
Jazz and rock are told by sub-style, tempo and source: the metric reads hats and ride where they give a pair a bar, else
all onsets, and in jazz these are comping snares and marches, which do not swing. Style medians are judged
as the metric reads all loops; those of hats and ride alone stand beside, to tell why. Prints tables, then one JSON
object; exit status 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from composer_core.ingest.cut import cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import METRICS
from composer_core.music.drums import ROLES, TIMEKEEPER_ROLES, role_index
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import ms_to_ticks
from composer_core.rules.swing import apply_swing

RATIO = METRICS["swing_ratio_8"].function
RATIOS, TEMPI_BPM, JITTERS_MS, SEEDS = (1.0, 1.5, 2.0), (60.0, 120.0, 200.0), (0.0, 5.0, 10.0), 20
LIMIT_POINTS = {5.0: 2.0, 10.0: 4.0}
LIMIT_RATIO, LIMIT_STRAIGHT, LIMIT_SHARE, LIMIT_STYLE = 0.05, 0.03, 0.98, 0.15
STYLES = {"jazz": 1.77, "rock": 1.04}


def straight_kit(tempo_bpm: float) -> Loop:
    """Four bars: hats in 8ths, kick and snare layered on the beats and a kick off the beat."""
    rows = []
    for bar in range(4):
        for eighth in range(8):
            tick = bar * 1920 + eighth * 240
            rows.append((tick, 60, 42, 80))
            if eighth % 2 == 0:
                rows.append((tick, 60, 38 if eighth % 4 else 36, 110))
            elif eighth in (3, 5):
                rows.append((tick, 60, 36, 90))
    return Loop("drums", Notes.from_rows(rows), 4, tempo_bpm)


def points(ratio: float) -> float:
    """DAW percentage of a ratio."""
    return 100.0 * ratio / (1.0 + ratio)


def jittered(loop: Loop, sd_ms: float, seed: int) -> Loop:
    """Every onset moved on its own by Gaussian noise."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, len(loop.notes)) * ms_to_ticks(sd_ms, loop.tempo_bpm)
    onset = np.clip(loop.notes.onset_tick + noise, -60, loop.length_tick - 1)
    return loop.with_notes(loop.notes.with_columns(onset_tick=onset))


def recover() -> list[dict[str, float]]:
    """One row a ratio, tempo and jitter: error of the ratio (0 ms) or of the DAW percentage over the seeds."""
    rows = []
    for tempo in TEMPI_BPM:
        for ratio in RATIOS:
            swung = apply_swing(straight_kit(tempo), ratio, 8)
            for jitter in JITTERS_MS:
                read = np.array([RATIO(jittered(swung, jitter, seed)) for seed in range(SEEDS if jitter else 1)])
                error = np.abs(read - ratio) if jitter == 0 else np.abs(points(read) - points(ratio))
                error = np.where(np.isnan(error), np.inf, error)
                limit = LIMIT_POINTS.get(jitter, LIMIT_RATIO)
                rows.append(
                    {
                        "tempo_bpm": tempo,
                        "ratio": ratio,
                        "jitter_ms": jitter,
                        "mean": float(error.mean()),
                        "max": float(error.max()),
                        "kept_share": float((error <= limit).mean()),
                        "limit": limit,
                    }
                )
    return rows


@dataclass(frozen=True)
class Read:
    """What one human loop of a style says about swing: by the metric, by hats and ride alone, by the snare alone."""

    style: str
    tempo_bpm: float
    ratio: float
    timekeepers: float
    snare: float


def only(loop: Loop, roles: tuple[str, ...]) -> float:
    """The ratio of these roles alone."""
    heard = np.isin(role_index(loop.notes.pitch), [ROLES.index(role) for role in roles])
    return RATIO(loop.with_notes(loop.notes.select(heard)))


def human(folder: Path) -> tuple[list[Read], list[float]]:
    """Readings of beat takes' 4-bar loops of the judged styles, and ratios of all loops snapped to straight 16ths."""
    read, snapped = [], []
    with (folder / "info.csv").open(encoding="utf-8") as table:
        takes = [row for row in csv.DictReader(table) if row["beat_type"] == "beat" and row["time_signature"] == "4-4"]
    for row in takes:
        path = folder / row["midi_filename"]
        for loop in cut(read_song(path.read_bytes(), path.name), 4):
            if loop.bars != 4:
                continue
            if row["style"].split("/")[0] in STYLES:
                by_role = only(loop, TIMEKEEPER_ROLES), only(loop, ("snare",))
                read.append(Read(row["style"], float(row["bpm"]), RATIO(loop), *by_role))
            tick = np.rint(loop.notes.onset_tick / 120) * 120 % loop.length_tick
            snapped.append(RATIO(loop.with_notes(loop.notes.with_columns(onset_tick=tick))))
    return read, snapped


def middle(values: list[float]) -> float:
    """Median of what is defined, NaN of nothing."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.median(defined)) if defined else float("nan")


def judge_style(style: str, every: list[Read]) -> tuple[bool, dict[str, object]]:
    """Print a style with its sub-styles; whether its median, as the metric reads it, is near the target."""
    read = [one for one in every if one.style.split("/")[0] == style]
    told = [one.timekeepers for one in read if not np.isnan(one.timekeepers)]
    kept = abs(middle([one.ratio for one in read]) - STYLES[style]) <= LIMIT_STYLE
    print(
        f"{style}: {middle([one.ratio for one in read]):.3f} of {len(read)} loops ({STYLES[style]} +- {LIMIT_STYLE}, "
        f"{'kept' if kept else 'MISSED'}); by hats and ride alone {middle(told):.3f} of {len(told)}"
    )
    print(f"    {'sub-style':<18}{'loops':>6}{'BPM':>10}{'metric':>8}{'hats, ride':>12}{'snare':>7}{'neither':>9}")
    table = []
    for name in sorted({one.style for one in read}):
        mine = [one for one in read if one.style == name]
        silent = sum(np.isnan(one.timekeepers) for one in mine)
        tempi = f"{min(one.tempo_bpm for one in mine):.0f}-{max(one.tempo_bpm for one in mine):.0f}"
        figures = [middle([getattr(one, field) for one in mine]) for field in ("ratio", "timekeepers", "snare")]
        print(
            f"    {name:<18}{len(mine):>6}{tempi:>10}{figures[0]:>8.2f}{figures[1]:>12.2f}{figures[2]:>7.2f}{silent:>9}"
        )
        table.append(
            {"style": name, "loops": len(mine), "tempo_bpm": tempi, "without_timekeepers": int(silent)}
            | dict(zip(("ratio", "timekeepers", "snare"), figures, strict=True))
        )
    return kept, {"ratio": middle([one.ratio for one in read]), "timekeepers": middle(told), "styles": table}


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    data = parser.parse_args().data
    rows = recover()
    print(f"{'BPM':>5}{'ratio':>7}{'jitter':>8}{'mean error':>12}{'largest':>9}{'limit':>7}{'within':>8}")
    for row in rows:
        unit = "" if row["jitter_ms"] == 0 else " pt"
        print(
            f"{row['tempo_bpm']:>5.0f}{row['ratio']:>7.1f}{row['jitter_ms']:>5.0f} ms{row['mean']:>12.3f}"
            f"{row['max']:>9.3f}{row['limit']:>7.2f}{row['kept_share']:>8.0%}{unit}"
        )
    missed = [row for row in rows if row["kept_share"] < 1.0]
    passed = not missed
    found: dict[str, object] = {"recovered": rows}
    folder = next((f for f in (data, data / "cc-by" / "gmd") if (f / "info.csv").is_file()), None) if data else None
    if folder is not None:
        styles, snapped = human(folder)
        for style in STYLES:
            kept, found[style] = judge_style(style, styles)
            passed = passed and kept
        read = np.array(snapped)
        share = float((np.abs(read[~np.isnan(read)] - 1.0) <= LIMIT_STRAIGHT).mean())
        passed = passed and share >= LIMIT_SHARE
        print(
            f"snapped to straight 16ths: {share:.1%} of {np.count_nonzero(~np.isnan(read))} read straight, "
            f"{np.count_nonzero(np.isnan(read))} of {len(read)} say nothing"
        )
        found["snapped_straight"] = share
    print(f"limits {'kept' if passed else 'MISSED'}")
    print(json.dumps({"benchmark": "swing", "passed": passed, **found}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
