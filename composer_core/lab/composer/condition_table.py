"""Build the table of measured conditions of training loops, from which a request's open fields are filled in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from composer_core.lab.composer.held_out import HumanExample, human_loops, read_held_out
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.generation.fill_in import COLUMNS
from composer_core.store.atomic import write_bytes


def table_rows(examples: Sequence[HumanExample]) -> list[list[float]]:
    """Rows of the table out of human loops, those with every column measured."""
    rows = [[example.asked.continuous.get(name) for name in COLUMNS] for example in examples]
    return [
        [round(value, 3) for value in row if value is not None]
        for row in rows
        if all(value is not None and math.isfinite(value) for value in row)
    ]


def build_table(data: Path, count: int = 400, say: Callable[[str], None] = lambda _: None) -> dict[str, object]:
    """The table of all instruments, measured on training loops of the permitted sets below `data`."""
    tables = {}
    for instrument in GENERATED_INSTRUMENTS:
        say(f"measuring loops of {instrument}")
        held_out = read_held_out(data, instrument)
        tables[instrument] = table_rows(human_loops(held_out, "train", count, 0))
    return {"columns": list(COLUMNS), "instruments": tables}


def write_table(path: Path, table: Mapping[str, object]) -> None:
    """Store a table, a row of numbers a line."""
    text = json.dumps(table, separators=(",", ":")).replace("],[", "],\n[")
    write_bytes(path, f"{text}\n".encode())
