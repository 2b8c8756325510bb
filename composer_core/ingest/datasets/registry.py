"""All adapters, from the most telling to the plainest; the first that knows a folder reads it."""

from __future__ import annotations

from pathlib import Path

from composer_core.errors import require_choice
from composer_core.ingest.datasets import (
    chords,
    commu,
    emopia,
    folders,
    groove,
    lamda,
    metascore,
    mma,
    openscore,
    patterns,
    pop909,
    ryans,
    suno,
    vgmidi,
    xmidi,
)
from composer_core.ingest.datasets.adapter import Adapter

ADAPTERS: dict[str, Adapter] = {
    module.ADAPTER.name: module.ADAPTER
    for module in (
        groove,
        xmidi,
        emopia,
        vgmidi,
        pop909,
        openscore,
        ryans,
        patterns,
        chords,
        mma,
        lamda,
        commu,
        metascore,
        suno,
        folders,
    )
}


PLAIN_FOLDER = folders.ADAPTER.name
"""The adapter of whatever no other one knows."""


def adapter_named(name: str) -> Adapter:
    """The adapter of that name; InvalidValue lists the others."""
    require_choice("dataset", name, tuple(ADAPTERS))
    return ADAPTERS[name]


def detect(path: Path) -> Adapter:
    """The first adapter that knows the folder; the plain folder's for a single file or an archive."""
    if not path.is_dir():
        return folders.ADAPTER
    return next(adapter for adapter in ADAPTERS.values() if adapter.detect(path))


def tested_table() -> str:
    """The table of docs/datasets.md: adapters tried on the sets' own files, and on small ones in their layout."""
    rows = [f"| `{one.name}` | {one.title} | {one.tested_on} | {one.source} |" for one in ADAPTERS.values()]
    return "\n".join(["| `--dataset` | data set | tested on | layout described at |", "|---|---|---|---|", *rows])
