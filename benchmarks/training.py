"""How fast a composer trains here: tokens a second and the share of the machine's measured matmul peak, by size.

The peak is the best rate of large square matrix products in the same precision and with the
same threads, measured in the same run. A step costs 6 floating point operations a weight and
token, and 12 x layers x width x length for attention (Chowdhery et al. 2022, appendix B); the
embedding counts once, as the tied head. Prints a table, then one JSON object; exit status 1
where the GPU limit is missed (on a CPU there is none).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time

import torch
import torch.nn.functional as functional

from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ALL_CONDITIONS, SHARED, ModelConfig
from composer_core.model.training_options import SIZES

N_TOKENS, LENGTH = 765, 96
GPU_LIMIT = 0.25
"""Share of the peak that `large` has to reach on a GPU in bfloat16."""


def settle(device: str) -> None:
    """Wait for what the GPU still computes."""
    if device == "cuda":
        torch.cuda.synchronize()


def peak_flops(device: str, kind: torch.dtype, side: int, seconds: float) -> float:
    """Best floating point operations a second of `side` x `side` matrix products."""
    a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    a @ b
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        settle(device)
        start = time.perf_counter()
        a @ b
        settle(device)
        best = max(best, 2.0 * side**3 / (time.perf_counter() - start))
    return best


def flops_a_token(shape: ModelConfig, composer: Composer) -> float:
    """Forward and backward floating point operations of one token."""
    weights = sum(p.numel() for name, p in composer.named_parameters() if name.startswith(("layers.", "embed_tokens.")))
    return 6.0 * weights + 12.0 * shape.n_layers * shape.d_model * LENGTH


def tokens_per_sec(composer: Composer, device: str, kind: torch.dtype, batch: int, repeats: int) -> float:
    """Median over whole steps: forward, loss, backward, clipping, AdamW."""
    optimiser = torch.optim.AdamW(composer.parameters(), lr=1e-4)
    ids = torch.randint(4, N_TOKENS, (batch, LENGTH + 1), device=device)
    vectors = torch.zeros(batch, LENGTH, composer.config.d_model, device=device)
    hidden = torch.compile(composer.hidden, dynamic=True) if device == "cuda" else composer.hidden
    times = []
    for _ in range(repeats + 2):
        settle(device)
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=kind == torch.bfloat16):
            logits = composer.logits(hidden(ids[:, :-1], vectors))
        functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(composer.parameters(), 1.0)
        optimiser.step()
        settle(device)
        times.append(time.perf_counter() - start)
    return batch * LENGTH / statistics.median(times[2:])


def main() -> int:
    """Measure every size, print, compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, help="rows a step (16 on a CPU, 256 on a GPU)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.bfloat16 if arguments.precision == "bfloat16" else torch.float32
    peak = peak_flops(device, kind, 8192 if device == "cuda" else 1024, 2.0)
    rows = {}
    print(f"peak {peak / 1e9:.1f} GFLOP/s, {arguments.precision}, {device}, {arguments.threads} threads")
    print(f"{'size':<8}{'parameters':>12}{'tokens/s':>12}{'of peak':>10}")
    for size in arguments.sizes.split(","):
        shape = ModelConfig.of_size(
            size, instrument=SHARED, n_tokens=N_TOKENS, max_length=512, genres=(), conditions=ALL_CONDITIONS
        )
        composer = Composer(shape).to(device).train()
        batch = arguments.batch or (256 if device == "cuda" else 16)
        rate = tokens_per_sec(composer, device, kind, batch, arguments.repeats)
        share = rate * flops_a_token(shape, composer) / peak
        rows[size] = {"parameters": composer.n_parameters, "tokens_per_sec": rate, "share_of_peak": share}
        print(f"{size:<8}{composer.n_parameters:>12}{rate:>12.0f}{share:>10.3f}")
    limit_missed = device == "cuda" and "large" in rows and rows["large"]["share_of_peak"] < GPU_LIMIT
    facts = {
        "device": device,
        "precision": arguments.precision,
        "threads": arguments.threads,
        "machine": platform.machine(),
    }
    print(json.dumps({"peak_flops": peak, "sizes": rows, **facts}))
    return 1 if limit_missed else 0


if __name__ == "__main__":
    sys.exit(main())
