"""Low-rank adapters (LoRA, Hu et al. 2021) on every linear layer of the decoder.

W x becomes W x + (alpha / r) B A x with W frozen, A random and B zero at the start. The
condition layers and the heads are trained in full. Once merged, an adapted composer has the
shape and the speed of a plain one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from composer_core.model.composer.transformer import Attention, Composer, FeedForward

ALPHA_PER_RANK = 2.0
"""alpha / r: alpha 32 at r 16."""
_TRAINED_WHOLE = ("conditions.", "heads.", "norm.")


class AdaptedLinear(nn.Module):
    """A frozen linear layer with a trained low-rank addition."""

    def __init__(self, plain: nn.Linear, rank: int) -> None:
        super().__init__()
        self.weight = plain.weight
        self.down = nn.Parameter(torch.randn(rank, plain.in_features) * plain.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(plain.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        low = nn.functional.linear(nn.functional.linear(x, self.down), self.up)
        return nn.functional.linear(x, self.weight) + ALPHA_PER_RANK * low

    def merged(self) -> Tensor:
        """The weight of a plain layer that does the same."""
        return self.weight + ALPHA_PER_RANK * self.up @ self.down


def add_adapters(composer: Composer, rank: int) -> Composer:
    """Adapt every linear layer of the decoder in place and freeze all else but conditions, heads and last norm."""
    for name, parameter in composer.named_parameters():
        parameter.requires_grad_(name.startswith(_TRAINED_WHOLE))
    for block in [module for module in composer.layers.modules() if isinstance(module, Attention | FeedForward)]:
        for name, child in list(block.named_children()):
            if isinstance(child, nn.Linear):
                setattr(block, name, AdaptedLinear(child, rank))
    return composer


def merged_state(composer: Composer) -> dict[str, Tensor]:
    """The state of a plain composer that does what an adapted one does; of a plain one its own."""
    state = composer.state_dict()
    for name, module in composer.named_modules():
        if isinstance(module, AdaptedLinear):
            state[f"{name}.weight"] = module.merged().detach()
            del state[f"{name}.down"], state[f"{name}.up"]
    return state
