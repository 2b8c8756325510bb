"""Speed: what a person waits for a take, with the machine's load beside it."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from composer_core.lab.composer.held_out import percentiles
from composer_core.music.condition import Condition
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.models import ModelInfo, load

WARM_UP = 2
BYTES_PER_MIB = 2**20


def speed(info: ModelInfo, takes: int) -> dict[str, Any]:
    """Seconds of a four-bar take, alone and as the best of eight; tokens a second; the largest memory.

    Measured in a process of its own, whose memory nothing but generating has grown.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_speed, info, takes).result()


def _speed(info: ModelInfo, takes: int) -> dict[str, Any]:
    from composer_core.model.composer.sampling import sample_ids
    from composer_core.model.device import thread_count

    loaded, condition = load(info), Condition(info.instrument)
    times: dict[int, list[float]] = {1: [], 8: []}
    for best_of, found in times.items():
        for seed in range(WARM_UP + (takes if best_of == 1 else max(3, takes // 2))):
            started = time.perf_counter()
            generate(condition, seed=seed, model=str(info.path), best_of=best_of)
            found.append(time.perf_counter() - started)
    started = time.perf_counter()
    n_tokens = sum(len(sample_ids(loaded, condition, [seed])[0]) + 1 for seed in range(takes))
    elapsed = time.perf_counter() - started
    return {
        "n": takes,
        "one_take_sec": percentiles(times[1][WARM_UP:], 50, 95),
        "best_of_8_sec": percentiles(times[8][WARM_UP:], 50, 95),
        "tokens_per_sec": n_tokens / elapsed,
        "memory_mib": peak_memory_bytes() / BYTES_PER_MIB,
        "threads": thread_count(),
        "cores": os.cpu_count(),
        "load_average": float(np.round(os.getloadavg()[0], 2)),
    }


def peak_memory_bytes() -> int:
    """Largest resident size of this process so far (getrusage counts KiB on Linux, bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
