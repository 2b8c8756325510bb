"""Write the page of all metrics, docs/metrics.md, from the table of metrics.

Print it with `python -m composer_core.cli.metric_table`. A test compares the stored page with this output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from composer_core.metrics import FAMILIES, METRICS, Metric

_INTRODUCTION = """# Metrics

<!-- Made by `python -m composer_core.cli.metric_table`; do not edit. -->

What is measured on a loop, by family. A metric does not depend on the file's resolution, on
repeating the loop, or on transposition where pitch does not matter; where it is undefined it is
left empty. Formula and conventions stand at each function in `composer_core/metrics/`.
"""


def metric_table() -> str:
    """The whole page in Markdown."""
    return "\n".join([_INTRODUCTION, *(line for family in FAMILIES for line in _family(family))])


def _family(family: str) -> Iterator[str]:
    yield f"## {family}\n"
    yield "| metric | name | 名前 | meaning | unit | range | instruments | source |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (_row(metric) for metric in METRICS.values() if metric.family == family)
    yield ""


def _row(metric: Metric) -> str:
    instruments = "all" if metric.instruments is None else ", ".join(metric.instruments)
    cells = [f"`{metric.name}`", metric.name_en, metric.name_ja, metric.meaning_en, metric.unit]
    cells += [f"{_bound(metric.low)} to {_bound(metric.high)}", instruments, metric.source]
    return "| " + " | ".join(cells) + " |"


def _bound(value: float) -> str:
    return "any" if math.isinf(value) else f"{value:.6g}"


def main() -> None:
    """Print the page."""
    print(metric_table(), end="")


if __name__ == "__main__":
    main()
