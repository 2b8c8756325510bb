"""Heads on the composer's pooled state for emotion, genre and quality, trained jointly with the language model.

A head learns a field only from rows in which that field was hidden from the model; otherwise
it would read the answer off the condition. The quality head tells played music from copies
whose notes were mixed up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from composer_core.model.composer.conditions import CONTINUOUS, ConditionArrays
from composer_core.model.config import ModelConfig

VALENCE, AROUSAL = CONTINUOUS.index("valence"), CONTINUOUS.index("arousal")


@dataclass(frozen=True, slots=True)
class HeadOutput:
    """valence and arousal (n,) on -1 to 1, quadrant logits (n, 4), genre logits (n, n_genres), quality logit (n,)."""

    valence: Tensor
    arousal: Tensor
    quadrant: Tensor
    genre: Tensor
    quality: Tensor


class Heads(nn.Module):
    """One linear layer a question, on the mean of the last layer's states."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.emotion = nn.Linear(config.d_model, 2)
        self.quadrant = nn.Linear(config.d_model, 4)
        self.genre = nn.Linear(config.d_model, max(1, len(config.genres)))
        self.quality = nn.Linear(config.d_model, 1)

    def forward(self, hidden: Tensor, real: Tensor) -> HeadOutput:
        """States (n, length, d_model), `real` (n, length) False where padded."""
        weight = real.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)
        emotion = self.emotion(pooled)
        return HeadOutput(
            emotion[:, 0], emotion[:, 1], self.quadrant(pooled), self.genre(pooled), self.quality(pooled)[:, 0]
        )


def head_losses(output: HeadOutput, true: ConditionArrays, shown: ConditionArrays, spoilt: Tensor) -> dict[str, Tensor]:
    """Mean losses of the rows that count: emotion (squared error and quadrant), genre, quality.

    `true` holds all conditions, `shown` what the model saw of them, `spoilt` (n,) the mixed-up copies.
    """
    values = torch.from_numpy(true.values).to(output.valence)
    hidden = torch.from_numpy((true.given > 0) & (shown.given == 0)).to(output.valence.device)
    whole = ~spoilt
    asks = [hidden[:, VALENCE] & whole, hidden[:, AROUSAL] & whole]
    valence, arousal = values[:, VALENCE], values[:, AROUSAL]
    quadrant = 2 * (arousal < 0).long() + (valence < 0).long()
    emotion = _mean((output.valence.float() - valence) ** 2, asks[0])
    emotion = emotion + _mean((output.arousal.float() - arousal) ** 2, asks[1])
    crossed = functional.cross_entropy(output.quadrant.float(), quadrant, reduction="none")
    emotion = emotion + 0.5 * _mean(crossed, asks[0] & asks[1])
    weights = torch.from_numpy(true.genre).to(values)
    seen = torch.from_numpy(shown.genre).to(values)
    genre = -(weights * functional.log_softmax(output.genre.float(), dim=-1)).sum(dim=-1)
    asked = (weights.sum(-1) > 0) & (seen.sum(-1) == 0) & whole
    quality = functional.binary_cross_entropy_with_logits(output.quality.float(), whole.to(values))
    return {"emotion": emotion, "genre": _mean(genre, asked), "quality": quality}


def _mean(losses: Tensor, counted: Tensor) -> Tensor:
    return (losses * counted).sum() / counted.sum().clamp(min=1)
