"""Training a note composer: one loop for one instrument or several, resumable to the step.

Each step draws its windows, transpositions and hidden fields from the run's seed and the step's
number, so that a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from composer_core.model.notes.network import NoteComposer, NotesConfig, build, losses
from composer_core.model.notes.windows import NoteWindows, draw_batch, hide, random_shifts

BEST, LAST, OPTIMIZER, STATE = "best.safetensors", "last.safetensors", "optimizer.safetensors", "state.json"
CONFIG = "config.json"
FACTORS = ("onset", "pitch", "length")
CLIP = 1.0
PLANNED = ("chords", "feel", "technique", "thickness", "reach", "plan")
"""What a request leaves open where only the plain conditions are given."""
OPEN_FIELDS = (*PLANNED, "tonic", "minor", "tempo", "density", "register", "genre")
"""All that a request may leave open."""


@dataclass(frozen=True, slots=True)
class NotesTrainingPlan:
    """How a run goes: `rate` warms up over `warm_up` steps and falls as a cosine to `floor` of itself at `steps`.

    `batch_notes` is about how many notes a step sees, `reach` the semitones of transposition,
    `average` the decay of the averaged weights that are measured and kept, `share` how often each
    instrument is drawn (by the square root of its windows where it is not named).
    """

    steps: int = 1400
    rate: float = 3e-3
    warm_up: int = 60
    floor: float = 0.02
    batch_notes: int = 2400
    decay: float = 0.05
    reach: int = 5
    average: float = 0.99
    every: int = 100
    seed: int = 1
    hidden_chords: float = 0.5
    share: Mapping[str, float] = field(default_factory=dict)


def rate_at(plan: NotesTrainingPlan, step: int) -> float:
    """Learning rate of a step counted from 0."""
    if step < plan.warm_up:
        return plan.rate * (step + 1) / plan.warm_up
    done = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.rate * (plan.floor + (1.0 - plan.floor) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done))))


def nats_a_note(model: NoteComposer, windows: NoteWindows, given: bool = True, notes: int = 6000) -> dict[str, float]:
    """Mean nats a note of each factor and together over all windows; the request given but for chords, or nothing."""
    model.eval()
    total = dict.fromkeys(FACTORS, 0.0)
    order = np.argsort(windows.count, kind="stable")
    first = 0
    with torch.no_grad():
        while first < len(order):
            few = max(1, notes // int(windows.count[order[first]] * 1.2 + 8))
            index = order[first : first + few]
            shift = np.zeros(len(index), np.int64)
            request = windows.request(index, shift).without(PLANNED if given else OPEN_FIELDS)
            found = losses(model, windows.written(index, shift), request)
            for name in FACTORS:
                total[name] += float(found[name].sum())
            first += few
    count = float(windows.count.sum())
    mean = {name: value / count for name, value in total.items()}
    return {**mean, "all": sum(mean.values())}


class NotesRun:
    """A training run in its folder: weights, averaged weights, optimizer and what was measured so far."""

    def __init__(self, folder: Path, config: NotesConfig, plan: NotesTrainingPlan, start: Path | None = None) -> None:
        self.folder, self.config, self.plan = folder, config, plan
        torch.manual_seed(plan.seed)
        self.model = build(config)
        if start is not None:
            # Codes that only this run knows begin at nothing.
            self.model.load_state_dict({**self.model.state_dict(), **load_file(start)})
        self.optimizer = torch.optim.AdamW(self.model.parameters(), plan.rate, (0.9, 0.98), weight_decay=plan.decay)
        self.averaged = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.state: dict[str, Any] = {"step": 0, "best": None, "log": [], "sec": 0.0}
        if (folder / STATE).is_file():
            self._resume()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CONFIG).write_text(json.dumps({"model": config.to_json(), "plan": asdict(plan)}, indent=1))

    def _resume(self) -> None:
        self.state = json.loads((self.folder / STATE).read_text())
        self.averaged = load_file(self.folder / LAST)
        kept = load_file(self.folder / OPTIMIZER)
        self.model.load_state_dict({name[7:]: value for name, value in kept.items() if name.startswith("weight.")})
        named = list(self.model.named_parameters())
        state = {}
        for number, (name, _) in enumerate(named):
            moments = {key: kept[f"{key}.{name}"] for key in ("exp_avg", "exp_avg_sq", "step")}
            state[number] = moments
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})

    def save(self) -> None:
        """Write all that the run needs to go on; the optimizer's moments as plain tensors too."""
        save_file(self.averaged, self.folder / LAST)
        kept = {f"weight.{name}": value.detach() for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                kept[f"{key}.{name}"] = value.detach().clone()
        save_file(kept, self.folder / OPTIMIZER)
        (self.folder / STATE).write_text(json.dumps(self.state))

    def averaged_model(self) -> NoteComposer:
        """A composer with the averaged weights."""
        model = build(self.config)
        model.load_state_dict(self.averaged)
        return model

    def train(
        self,
        train: Mapping[str, NoteWindows],
        dev: Mapping[str, NoteWindows],
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Go on to the plan's last step, measuring on dev every `every` steps and keeping the best."""
        shares = self._shares(train)
        while self.state["step"] < self.plan.steps:
            began = time.process_time()
            step = self.state["step"]
            loss = self._step(train, shares, step)
            self.state["step"] = step + 1
            self.state["sec"] += time.process_time() - began
            if self.state["step"] % self.plan.every == 0 or self.state["step"] == self.plan.steps:
                self._measure(dev, loss, say)
                self.save()

    def _shares(self, train: Mapping[str, NoteWindows]) -> Mapping[str, float]:
        raw = {name: self.plan.share.get(name, len(windows) ** 0.5) for name, windows in train.items()}
        return {name: value / sum(raw.values()) for name, value in raw.items()}

    def _step(self, train: Mapping[str, NoteWindows], shares: Mapping[str, float], step: int) -> float:
        rng = np.random.default_rng([self.plan.seed, step])
        torch.manual_seed(self.plan.seed * 1_000_003 + step)
        name = str(rng.choice(list(shares), p=list(shares.values())))
        windows = train[name]
        index = draw_batch(windows, self.plan.batch_notes, rng)
        shift = random_shifts(windows, index, self.plan.reach, rng)
        request = hide(windows.request(index, shift), rng, chords=self.plan.hidden_chords)
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16):
            found = losses(self.model, windows.written(index, shift), request)
        loss = sum((found[name] for name in FACTORS), torch.zeros(len(index))).sum() / float(windows.count[index].sum())
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.plan, step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self._average(step)
        return float(loss.detach())

    def _average(self, step: int) -> None:
        # Early weights are far from anything good: average over few of them first.
        keep = min(self.plan.average, (step + 1) / (step + 10))
        for name, value in self.model.state_dict().items():
            self.averaged[name].lerp_(value.detach(), 1.0 - keep)

    def _measure(self, dev: Mapping[str, NoteWindows], loss: float, say: Callable[[str], None]) -> None:
        model = self.averaged_model()
        found = {name: nats_a_note(model, windows) for name, windows in dev.items()}
        mean = sum(value["all"] for value in found.values()) / len(found)
        self.state["log"].append({"step": self.state["step"], "loss": loss, "dev": found, "sec": self.state["sec"]})
        if self.state["best"] is None or mean < self.state["best"]:
            self.state["best"] = mean
            save_file(self.averaged, self.folder / BEST)
        parts = " ".join(
            f"{name} {v['all']:.3f} ({v['onset']:.2f} {v['pitch']:.2f} {v['length']:.2f})" for name, v in found.items()
        )
        say(f"step {self.state['step']} loss {loss:.3f} dev {parts} after {self.state['sec'] / 60:.1f} min")


def load_composer(folder: Path, weights: str = BEST) -> NoteComposer:
    """The composer of a run's folder, ready to sample."""
    config = NotesConfig.from_json(json.loads((folder / CONFIG).read_text())["model"])
    model = build(config)
    state: dict[str, Tensor] = load_file(folder / weights)
    model.load_state_dict({**model.state_dict(), **state})
    return model.eval()
