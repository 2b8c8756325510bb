"""How fast the shipped composer samples: one 4-bar take, four takes, and tokens a second against transformers.

The peer is transformers' generate on the same weights: the condition vector, added at every
position, is folded into its input embedding. Prints a table, then one JSON object; exit
status 1 when a limit is missed. Model loading and imports are outside the times.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from typing import Any

import torch

from composer_core.model.checkpoint import LoadedModel
from composer_core.model.conditions import arrays_of
from composer_core.model.sample import SampleSettings, sample_ids, sample_notes
from composer_core.model.transformer import NORM_EPSILON
from composer_core.music.condition import Condition
from composer_core.pipeline.models import find_model, load

ONE_TAKE_LIMIT_SEC = 0.5
FOUR_TAKES_LIMIT_SEC = 1.0
PEER_LIMIT = 1.2
"""Times the tokens a second of transformers' generate."""
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


def times_of_takes(model: LoadedModel, takes: int, repeats: int) -> list[float]:
    """Seconds of sampling for `takes` takes, `repeats` times with other seeds."""
    found = []
    for repeat in range(repeats):
        start = time.perf_counter()
        for take in range(takes):
            sample_notes(model, CONDITION, [repeat * 100 + take])
        found.append(time.perf_counter() - start)
    return found


def speed_against_peer(model: LoadedModel, repeats: int) -> dict[str, float]:
    """Tokens a second of both, unguided, taken in turn over the same numbers of tokens."""
    peer = llama_of(model, CONDITION)
    own, other = [], []
    for seed in range(repeats):
        start = time.perf_counter()
        n_tokens = len(sample_ids(model, CONDITION, [seed], SampleSettings())[0]) + 1
        own.append(n_tokens / (time.perf_counter() - start))
        prompt = torch.tensor([[model.vocabulary.bos]])
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
        other.append(n_tokens / (time.perf_counter() - start))
    ratios = [a / b for a, b in zip(own, other, strict=True)]
    return {
        "tokens_per_sec": statistics.median(own),
        "transformers_tokens_per_sec": statistics.median(other),
        "times_transformers": statistics.median(ratios),
    }


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a model's name or folder; left out: the shipped drums model")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load(find_model("drums", arguments.model, None))
    times_of_takes(model, 1, 3)
    one, four = times_of_takes(model, 1, arguments.repeats), times_of_takes(model, 4, arguments.repeats)
    figures = {
        "model": model.name,
        "parameters": model.composer.n_parameters,
        "one_take_p50_sec": statistics.median(one),
        "one_take_worst_sec": max(one),
        "four_takes_p50_sec": statistics.median(four),
        "four_takes_worst_sec": max(four),
        **speed_against_peer(model, arguments.repeats),
        "threads": arguments.threads,
        "machine": platform.processor() or platform.machine(),
    }
    held = (
        figures["one_take_p50_sec"] < ONE_TAKE_LIMIT_SEC
        and figures["four_takes_p50_sec"] < FOUR_TAKES_LIMIT_SEC
        and figures["times_transformers"] >= PEER_LIMIT
    )
    for name, value in figures.items():
        print(f"{name:<30}{value:.3f}" if isinstance(value, float) else f"{name:<30}{value}")
    print(f"limits: one take {ONE_TAKE_LIMIT_SEC} s, four {FOUR_TAKES_LIMIT_SEC} s, {PEER_LIMIT} x transformers")
    print(json.dumps({**figures, "held": held}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
