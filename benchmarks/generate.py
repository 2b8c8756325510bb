"""How fast the shipped composers make takes, in how much memory, and how fast sampling is against transformers.

    python benchmarks/generate.py [--instruments drums,bass] [--repeats 10]

For each instrument with its shipped models: seconds of a four-bar take and of the best of eight, performer and rules
included; then the process's largest memory. The peer is transformers' generate on the same weights, at each size up
to base (weights drawn by chance, of which speed knows nothing) and for the shipped composers: the condition vector,
added at every position, is folded into its input embedding. Both draw the same number of tokens in turn, unguided; the
peer with one thread and with `--threads`, of which its faster counts. Prints a table, then one JSON object; exit status
1 when a limit is missed. Model loading and imports are outside the times. On a busy machine the waits of
others are in the times: the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch

from composer_core.lab.composer.evaluation import BYTES_PER_MIB, peak_memory_bytes
from composer_core.model.composer.checkpoint import LoadedModel
from composer_core.model.composer.conditions import arrays_of
from composer_core.model.composer.sampling import SampleSettings, sample_ids
from composer_core.model.composer.transformer import NORM_EPSILON, Composer
from composer_core.model.config import ALL_CONDITIONS, SHARED, ModelConfig
from composer_core.music.condition import Condition
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.models import find_model, load

ONE_TAKE_LIMIT_SEC = 0.7
BEST_OF_8_LIMIT_SEC = 1.5
MEMORY_LIMIT_MIB = 600.0
PEER_LIMIT = 1.25
"""Times the tokens a second of transformers' generate."""
PEER_SIZES = ("tiny", "small", "base")
PEER_LENGTH = 160
CONDITION = Condition("drums", tempo_bpm=104.0, valence=0.4, arousal=0.8, genre={"funk": 1.0})


def llama_of(model: LoadedModel, condition: Condition) -> Any:
    """transformers' LlamaForCausalLM with the composer's weights, for one condition."""
    from transformers import LlamaConfig, LlamaForCausalLM

    composer, shape = model.composer, model.composer.config
    config = LlamaConfig(
        vocab_size=shape.n_tokens,
        hidden_size=shape.d_model,
        intermediate_size=shape.d_feed_forward,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_heads,
        max_position_embeddings=shape.max_length,
        rms_norm_eps=NORM_EPSILON,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=False,
        bos_token_id=model.vocabulary.bos,
        eos_token_id=model.vocabulary.eos,
        pad_token_id=model.vocabulary.pad,
    )
    peer = LlamaForCausalLM(config).eval()
    skipped = ("conditions.", "heads.", "embed_tokens.")
    weights = {f"model.{name}": value for name, value in composer.state_dict().items() if not name.startswith(skipped)}
    with torch.no_grad():
        # Where the vector changes with the bar (chords, place) the peer keeps that of the first.
        vector = composer.condition_vectors(arrays_of(condition, shape))[:, 1]
        weights["model.embed_tokens.weight"] = composer.embed_tokens.weight + vector
        weights["lm_head.weight"] = composer.embed_tokens.weight.clone()
    peer.load_state_dict(weights)
    return peer


def times_of_takes(instrument: str, best_of: int, repeats: int) -> list[float]:
    """Seconds of a four-bar take from request to played notes, with `repeats` seeds after two to warm up."""
    condition = Condition(instrument, valence=0.4, arousal=0.8)
    found = []
    for seed in range(repeats + 2):
        start = time.perf_counter()
        generate(condition, seed=seed, best_of=best_of)
        found.append(time.perf_counter() - start)
    return found[2:]


def takes_of(instruments: Sequence[str], repeats: int) -> dict[str, dict[str, Any]]:
    """Seconds of one take and of the best of eight with each instrument's shipped models, printed as they come."""
    rows = {}
    print(f"{'':<12}{'model':<24}{'one take':>11}{'worst':>11}{'best of 8':>11}{'worst':>11}")
    for instrument in instruments:
        one, eight = (times_of_takes(instrument, n, repeats) for n in (1, 8))
        name, times = find_model(instrument, None, None).name, (statistics.median(one), max(one))
        times += (statistics.median(eight), max(eight))
        fields = ("one_take_p50_sec", "one_take_worst_sec", "best_of_8_p50_sec", "best_of_8_worst_sec")
        rows[instrument] = {"model": name, **dict(zip(fields, times, strict=True))}
        print(f"{instrument:<12}{name:<24}" + "".join(f"{value:>11.3f}" for value in times))
    return rows


def model_of_size(size: str) -> LoadedModel:
    """A composer of a size with weights drawn by chance, in the language of the shipped one of all instruments."""
    shared = load(find_model("piano", None, None))
    shape = ModelConfig.of_size(
        size,
        instrument=SHARED,
        n_tokens=len(shared.vocabulary),
        max_length=PEER_LENGTH,
        genres=shared.composer.config.genres,
        conditions=ALL_CONDITIONS,
    )
    torch.manual_seed(0)
    return LoadedModel(size, Composer(shape).eval(), shared.vocabulary, "0" * 16, {})


def speed_against_peer(model: LoadedModel, repeats: int, threads: int) -> dict[str, float]:
    """Tokens a second of both, taken in turn over the same numbers of tokens (medians)."""
    peer = llama_of(model, CONDITION)
    rates: dict[str, list[float]] = {"own": [], **{f"peer_{n}": [] for n in {1, threads}}}
    for seed in range(repeats):
        start = time.perf_counter()
        n_tokens = len(sample_ids(model, CONDITION, [seed], SampleSettings())[0]) + 1
        rates["own"].append(n_tokens / (time.perf_counter() - start))
        for n in {1, threads}:
            torch.set_num_threads(n)
            rates[f"peer_{n}"].append(n_tokens / peer_seconds(peer, model.vocabulary.bos, n_tokens))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    fastest = max(medians[f"peer_{n}"] for n in {1, threads})
    return {
        "parameters": model.composer.n_parameters,
        "tokens_per_sec": medians["own"],
        "transformers_tokens_per_sec": fastest,
        "times_transformers": medians["own"] / fastest,
    }


def peer_seconds(peer: Any, bos: int, n_tokens: int) -> float:
    """Seconds the peer takes to draw `n_tokens` tokens."""
    prompt = torch.tensor([[bos]])
    start = time.perf_counter()
    with torch.inference_mode():
        peer.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            top_p=0.95,
            top_k=0,
            min_new_tokens=n_tokens,
            max_new_tokens=n_tokens,
        )
    return time.perf_counter() - start


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", default=",".join(GENERATED_INSTRUMENTS))
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    takes = takes_of(arguments.instruments.split(","), arguments.repeats)
    memory = peak_memory_bytes() / BYTES_PER_MIB  # before the peer is in memory too
    print(f"\nlargest memory {memory:.0f} MiB\n")
    print(f"{'':<24}{'parameters':>12}{'tokens/s':>12}{'transformers':>14}{'times':>8}")
    shipped = {find_model(name, None, None).name: load(find_model(name, None, None)) for name in takes}
    peers = {}
    for model in (*map(model_of_size, PEER_SIZES), *shipped.values()):
        found = speed_against_peer(model, arguments.repeats, arguments.threads)
        peers[model.name] = found
        own, other, times = list(found.values())[1:]
        print(f"{model.name:<24}{found['parameters']:>12}{own:>12.0f}{other:>14.0f}{times:>8.2f}")
    held = (
        all(row["one_take_p50_sec"] < ONE_TAKE_LIMIT_SEC for row in takes.values())
        and all(row["best_of_8_p50_sec"] < BEST_OF_8_LIMIT_SEC for row in takes.values())
        and memory < MEMORY_LIMIT_MIB
        and all(row["times_transformers"] >= PEER_LIMIT for row in peers.values())
    )
    print(
        f"limits: one take {ONE_TAKE_LIMIT_SEC} s, best of eight {BEST_OF_8_LIMIT_SEC} s, "
        f"{MEMORY_LIMIT_MIB:.0f} MiB, {PEER_LIMIT} x transformers"
    )
    facts = {"threads": arguments.threads, "load_average": os.getloadavg()[0], "machine": platform.machine()}
    print(
        json.dumps(
            {"benchmark": "generate", "takes": takes, "memory_mib": memory, "peers": peers, **facts, "held": held}
        )
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
