"""Index files of data sets, read in reader processes that may be killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from composer_core.errors import RefusedFile
from composer_core.ingest.datasets.adapter import Adapter, Issue, Parsed
from composer_core.ingest.datasets.registry import ADAPTERS
from composer_core.ingest.pool import read_all
from composer_core.ingest.worker import Result

PARSE_TASK = "composer_core.ingest.datasets.parsing:parse_files"
PARSE_LIMIT_SEC = 60.0


def parse_files(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:
    """Worker task: (name, bytes) of index files to rows as JSON; options: `dataset`."""
    adapter = ADAPTERS[str(options["dataset"])]
    return [_parse(adapter, name, data) for name, data in files]


def _parse(adapter: Adapter, name: str, data: bytes) -> Result:
    try:
        parsed = adapter.parse(name, data)
        rows = {"rows": parsed.rows, "refused": [asdict(issue) for issue in parsed.refused]}
        return {}, json.dumps(rows).encode("ascii")
    except RefusedFile as refusal:
        return refusal
    except (TypeError, ValueError, RecursionError) as error:
        return RefusedFile("unreadable_data", path=name, reason=str(error) or type(error).__name__)


def parse_indexes(adapter: Adapter, root: Path, jobs: int | None = None) -> list[Parsed]:
    """Every index of the data set below `root`; one that cannot be read is a refused row of its name."""
    listed = [adapter.listing(root)] if adapter.listing is not None and root.is_dir() else []
    paths = adapter.indexes(root) if root.is_dir() else []
    files = [(str(path), "midi") for path in paths]
    options = {"dataset": adapter.name}
    reports = read_all(files, PARSE_TASK, options, jobs=jobs, limit_sec=PARSE_LIMIT_SEC)
    return listed + [_parsed(outcome.name, outcome.refusal, outcome.payload) for r in reports for outcome in r.outcomes]


def _parsed(name: str, refusal: RefusedFile | None, payload: bytes) -> Parsed:
    if refusal is not None:
        return Parsed(name, refused=[Issue(name, "refused_file", str(refusal))])
    content = json.loads(payload)
    return Parsed(name, content["rows"], [Issue(**issue) for issue in content["refused"]])
