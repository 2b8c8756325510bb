"""Train a composer: resumable bit for bit on the CPU, with atomic checkpoints, stopping on NaN.

Everything random in step n (order, hidden conditions, dropout) follows from (seed, n), so a
resumed run needs only the weights, the optimiser state and the step.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from composer_core.errors import ModelError
from composer_core.model.composer.adapter import add_adapters, merged_state
from composer_core.model.composer.checkpoint import (
    CHECKPOINT_FILE,
    LoadedModel,
    load_checkpoint,
    load_model,
    save_checkpoint,
    save_model,
)
from composer_core.model.composer.conditions import ConditionArrays, drop_fields
from composer_core.model.composer.data import IGNORED, WindowSet, epoch_batches, ordered_batches
from composer_core.model.composer.heads import head_losses
from composer_core.model.composer.transformer import Composer
from composer_core.model.config import ModelConfig, TrainConfig, conditions_of, config_to_json
from composer_core.model.device import choose_device
from composer_core.model.distributed import ALONE, Ranks
from composer_core.store.atomic import write_bytes, write_json
from composer_core.tokens.vocab import Vocabulary

_log = logging.getLogger(__name__)

METRICS_FILE = "metrics.jsonl"
BEST_FOLDER = "model"
BETAS = (0.9, 0.98)
FINAL_RATE = 0.05
"""The share of the learning rate that is left at the end of the cosine."""


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """The report of one step. `validation` is in nats per note, None when it was not measured."""

    step: int
    steps: int
    loss: float
    validation: float | None
    learning_rate: float
    tokens_per_sec: float
    seconds: float


@dataclass(slots=True)
class TrainingData:
    """The windows to learn from, windows of other takes for early stopping, and their language."""

    train: WindowSet
    validation: WindowSet
    vocabulary: Vocabulary
    genres: tuple[str, ...]
    facts: dict[str, object]
    techniques: tuple[str, ...] = ()


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step: a linear warm-up, then a cosine down to FINAL_RATE of the peak."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    share = (step - config.warm_up) / max(1, steps - config.warm_up)
    return config.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def nll_of_windows(composer: Composer, windows: WindowSet, batch: int = 64) -> NDArray[np.float64]:
    """The total negative log-likelihood of each window in nats, over all tokens and the end, (n,)."""
    composer.eval()
    total = np.zeros(len(windows))
    device = str(composer.embed_tokens.weight.device)
    with torch.no_grad():
        for index in ordered_batches(windows, batch):
            part = windows.batch(index, 0, composer.config.max_length).to(device)
            vectors = composer.condition_vectors(windows.conditions.take(index))
            logits = composer(part.ids, composer.at_positions(vectors, part.bar)).float()
            losses = functional.cross_entropy(
                logits.transpose(1, 2), part.targets, ignore_index=IGNORED, reduction="none"
            )
            total[index] = losses.sum(dim=1).double().cpu().numpy()
    return total


def nll_per_note(composer: Composer, windows: WindowSet) -> float:
    """The mean nats per note over all windows."""
    return float(nll_of_windows(composer, windows).sum() / max(1, windows.n_notes.sum()))


class Trainer:
    """One training run in a folder. `run` continues from the last checkpoint when there is one."""

    def __init__(self, folder: Path, config: TrainConfig, data: TrainingData, ranks: Ranks = ALONE) -> None:
        self.folder, self.config, self.data, self.ranks = folder, config, data, ranks
        if config.threads:  # before the device is named, because its name says how many threads it uses
            torch.set_num_threads(config.threads)
        self.device = choose_device(config.device)
        torch.manual_seed(config.seed)
        self.composer = self._composer().to(self.device.code)
        # Compiled on GPUs only: on CPUs it needs a C++ compiler and gains nothing at these sizes.
        cuda = self.device.code == "cuda"
        self._hidden = torch.compile(self.composer.hidden, dynamic=True) if cuda else self.composer.hidden
        self.optimiser = self._optimiser()
        self.batches_per_epoch = -(-len(data.train) // config.batch)
        self.steps = config.steps or max(1, round(config.epochs * self.batches_per_epoch))
        self.step, self.best, self.best_step, self.micro_batch = 0, math.inf, 0, config.micro_batch or config.batch
        self._epoch: tuple[int, list[NDArray[np.int64]]] = (-1, [])

    def _composer(self) -> Composer:
        """A composer with random weights, or the one to start from, with adapters if requested."""
        config, data = self.config, self.data
        if config.start:
            composer = self._started(load_model(Path(config.start)))
            return add_adapters(composer, config.adapter_rank) if config.adapter else composer
        longest = max(len(s) for part in (data.train, data.validation) for s in part.sequences)
        shape = ModelConfig.of_size(
            config.size,
            instrument=config.instrument,
            n_tokens=len(data.vocabulary),
            max_length=max(256, -(-longest // 64) * 64),
            genres=data.genres,
            dropout=config.dropout,
            conditions=conditions_of(config.instrument, data.train.conditions.values.shape[1]),
            techniques=data.techniques,
            heads=True,
        )
        return Composer(shape)

    def _started(self, start: LoadedModel) -> Composer:
        """The model to start from, for this run's instrument; ModelError when the data use another vocabulary."""
        if start.vocabulary.hash != self.data.vocabulary.hash:
            raise ModelError(
                "vocabulary_mismatch",
                path=self.config.start,
                found=start.vocabulary.hash,
                expected=self.data.vocabulary.hash,
            )
        shape = replace(start.composer.config, instrument=self.config.instrument, dropout=self.config.dropout)
        composer = Composer(shape)
        composer.load_state_dict(start.composer.state_dict())
        return composer

    def _optimiser(self) -> torch.optim.AdamW:
        trained = [p for p in self.composer.parameters() if p.requires_grad]
        decayed, plain = ([p for p in trained if (p.dim() >= 2) is matrix] for matrix in (True, False))
        groups = [{"params": decayed, "weight_decay": self.config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=BETAS)

    def run(self, on_progress: Callable[[TrainingProgress], None], should_stop: Callable[[], bool]) -> bool:
        """Train until the last step, the end of patience or a stop; True when the run is finished.

        ModelError training_diverged at the first loss that is not finite.
        """
        self._resume()
        waited = (self.step - self.best_step) // self.config.validate_every
        while self.step < self.steps and waited < self.config.patience:
            if self.ranks.agree(float(should_stop())):
                self._checkpoint()
                return False
            started = time.perf_counter()
            rate = learning_rate(self.config, self.step, self.steps)
            loss, n_tokens = self._train_step(rate)
            self.step += 1
            validation = self._validate() if self._is_due(self.config.validate_every) else None
            waited = (self.step - self.best_step) // self.config.validate_every
            seconds = time.perf_counter() - started
            progress = TrainingProgress(self.step, self.steps, loss, validation, rate, n_tokens / seconds, seconds)
            self._report(progress, on_progress)
            if self._is_due(self.config.checkpoint_every):
                self._checkpoint()
        self._checkpoint()
        return True

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.steps

    def _batch_index(self) -> NDArray[np.int64]:
        epoch, position = divmod(self.step, self.batches_per_epoch)
        if self._epoch[0] != epoch:
            lengths = [len(sequence) for sequence in self.data.train.sequences]
            self._epoch = (epoch, epoch_batches(lengths, self.config.batch, self.config.seed, epoch))
        return self._epoch[1][position]

    def _train_step(self, rate: float) -> tuple[float, int]:
        """Take one optimiser step; returns the loss in nats per token and the number of tokens.

        When memory runs out, the micro-batch is halved and the step repeated.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        index = self._batch_index()
        while True:
            try:
                loss, n_tokens = self._accumulate(index)
                break
            except torch.OutOfMemoryError as error:
                if self.micro_batch == 1:
                    raise ModelError("training_diverged", value="out of memory", step=self.step) from error
                self.micro_batch //= 2
        loss = self.ranks.total(loss)
        if not math.isfinite(loss):
            raise ModelError("training_diverged", value=loss, step=self.step)
        self.ranks.sum_gradients(self.composer.parameters())
        torch.nn.utils.clip_grad_norm_(self.composer.parameters(), self.config.clip)
        self.optimiser.step()
        return loss, n_tokens

    def _accumulate(self, index: NDArray[np.int64]) -> tuple[float, int]:
        self.composer.train()
        self.optimiser.zero_grad(set_to_none=True)
        torch.manual_seed(self.config.seed * 1_000_003 + self.step + 7919 * self.ranks.rank)
        rng = np.random.default_rng([self.config.seed, self.step, 1])
        true = self.data.train.conditions.take(index)
        shown = drop_fields(true, self.config.field_dropout, self.config.all_dropout, rng)
        longest = self.composer.config.max_length + 1
        learnt = index[~self.data.train.spoilt[index]]
        total = max(1, sum(min(len(self.data.train.sequences[i]), longest) - 1 for i in learnt))
        loss_sum = 0.0
        own = np.arange(self.ranks.rank, len(index), self.ranks.size)
        for start in range(0, len(own), self.micro_batch):
            part = own[start : start + self.micro_batch]
            loss_sum += self._backward(index[part], true.take(part), shown.take(part), total, len(index))
        return loss_sum, total

    def _backward(
        self, index: NDArray[np.int64], true: ConditionArrays, shown: ConditionArrays, total: int, n_rows: int
    ) -> float:
        """Add the gradients of one micro-batch: its share of the language loss and of the heads' losses.

        Returns its share of the language loss in nats per token.
        """
        composer, device = self.composer, self.device.code
        batch = self.data.train.batch(index, self.data.vocabulary.pad, composer.config.max_length).to(device)
        spoilt = torch.from_numpy(self.data.train.spoilt[index]).to(device)
        with torch.autocast(device, torch.bfloat16, enabled=self._is_mixed()):
            hidden = self._hidden(batch.ids, composer.at_positions(composer.condition_vectors(shown), batch.bar))
            logits = composer.logits(hidden)
        targets = batch.targets.masked_fill(spoilt.unsqueeze(1), IGNORED)
        language = functional.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        loss = language / total
        if composer.heads is not None:
            found = head_losses(composer.heads(hidden.float(), batch.targets != IGNORED), true, shown, spoilt)
            weighted = sum(getattr(self.config, name) * value for name, value in found.items())
            loss = loss + weighted * (len(index) / n_rows)
        loss.backward()  # type: ignore[no-untyped-call]
        return language.item() / total

    def _is_mixed(self) -> bool:
        """True for bfloat16: when configured, and on a GPU unless float32 is configured."""
        return self.config.precision == "bfloat16" or (self.config.precision == "auto" and self.device.code == "cuda")

    def _validate(self) -> float:
        value = nll_per_note(self.composer, self.data.validation) if self.ranks.is_first else 0.0
        value = self.ranks.agree(value)
        if value < self.best:
            self.best, self.best_step = value, self.step
            _log.debug("best model so far at step %d: %.4f nats a note", self.step, value)
            self.keep()
        return value

    def keep(self) -> None:
        """Store the current weights as the run's model."""
        if not self.ranks.is_first:
            return
        nll = self.best if self.best_step == self.step else None
        train = config_to_json(self.config)
        facts = {"nll_per_note": nll, "step": self.step, "train": train, **self.data.facts}
        weights = merged_state(self.composer)
        save_model(self.folder / BEST_FOLDER, self.composer, self.data.vocabulary, facts, weights)

    def _report(self, progress: TrainingProgress, on_progress: Callable[[TrainingProgress], None]) -> None:
        if not self.ranks.is_first:
            return
        row = {name: getattr(progress, name) for name in TrainingProgress.__slots__}
        with (self.folder / METRICS_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        on_progress(progress)

    def _checkpoint(self) -> None:
        state = {
            "step": self.step,
            "best": self.best,
            "best_step": self.best_step,
            "composer": self.composer.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "data": self.data.train.digest(),
            "config": config_to_json(replace(self.config, device="auto", threads=0)),
        }
        if self.ranks.is_first:
            save_checkpoint(self.folder / CHECKPOINT_FILE, state)
            _log.info("checkpoint written at step %d", self.step)
        self.ranks.wait()

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT_FILE
        self.folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            if self.ranks.is_first:
                write_json(self.folder / "train.json", config_to_json(self.config))
            return
        state: dict[str, Any] = load_checkpoint(path)
        same = replace(self.config, device="auto", threads=0)
        if state.get("data") != self.data.train.digest() or state.get("config") != config_to_json(same):
            raise ModelError("damaged_checkpoint", path=str(path), reason="it was made with other data or settings")
        try:
            self.composer.load_state_dict(state["composer"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.best, self.best_step = int(state["step"]), float(state["best"]), int(state["best_step"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError("damaged_checkpoint", path=str(path), reason=str(error).split("\n")[0]) from error
        if self.ranks.is_first:
            _log.info("resumed from the checkpoint at step %d", self.step)
            self._drop_rows_after(self.step)

    def _drop_rows_after(self, step: int) -> None:
        """Remove the rows that a killed run wrote after its last checkpoint, so that no step appears twice."""
        path = self.folder / METRICS_FILE
        if path.is_file():
            rows = [line for line in path.read_bytes().split(b"\n") if _step_of(line) <= step]
            write_bytes(path, b"".join(line + b"\n" for line in rows))


def _step_of(line: bytes) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # the last line of a killed run may be half written
        return math.inf
