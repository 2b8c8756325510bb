"""The log of rows as a markdown table: `python -m benchmarks.notes.table`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROWS = Path("runs") / "notes" / "rows.jsonl"
FIGURES = ("step", "repeat", "octave", "bars_13", "one_note", "range")


def main() -> None:
    """Print every row that measured a run."""
    head = ("run", "instrument", "idea", "asked", "weights", "steps", "core min", "nats", "T", "AUC (95 %)", *FIGURES)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for text in ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        if row["run"] == "floor":
            continue
        for name in (key for key in row if key.startswith("T")):
            lines.append("| " + " | ".join(_cells(row, name)) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


def _cells(row: dict[str, Any], name: str) -> list[str]:
    found, human = row[name], row["human"]
    figures = [f"{human[key]:.2f} / {found[key]:.2f}" if key in human else "-" for key in FIGURES]
    auc = f"{found['auc']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
    part = "" if row["part"] == "validation" else f" [{row['part']}]"
    nats = "-" if row["nats"]["all"] is None else f"{row['nats']['all']:.3f}"
    return [
        row["run"], row["instrument"] + part, row["idea"], row["fields"], f"{row['weights'] / 1e6:.1f} M",
        str(row["step"]), f"{row['minutes_cpu']:g}", nats, name[1:], auc, *figures,
    ]  # fmt: skip


if __name__ == "__main__":
    main()
