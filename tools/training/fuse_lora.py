"""A quicker forward pass for plain LoRA layers: the second product is fused into the addition.

PEFT's own casts the input to the adapter's float32, and adds the adapter's output in a pass of its
own. Here both products are taken in the type of the input; the adapter's weights stay float32, so
the optimiser loses nothing.

Not covered: dropout, DoRA, biases, several adapters at once. Such layers keep PEFT's own.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_ADAPTER = "default"


def fuse_lora(model: Any) -> int:
    """Give every plain LoRA layer of `model` the quicker forward pass, and return how many."""
    from peft.tuners.lora import Linear

    fused = 0
    for layer in model.modules():
        if isinstance(layer, Linear) and _is_plain(layer):
            layer.forward = MethodType(_forward, layer)  # type: ignore[method-assign]
            fused += 1
    return fused


def _is_plain(layer: Any) -> bool:
    import torch

    return (
        list(layer.lora_A) == [_ADAPTER]
        and isinstance(layer.lora_dropout[_ADAPTER], torch.nn.Identity)
        and _ADAPTER not in layer.lora_variant
        and layer.lora_B[_ADAPTER].bias is None
    )


def _forward(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    import torch

    if layer.disable_adapters or layer.merged or args or kwargs:
        usual: Tensor = type(layer).forward(layer, x, *args, **kwargs)
        return usual
    result = layer.base_layer(x)
    first, second = layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight
    low = torch.nn.functional.linear(x, first.to(x.dtype))
    added = torch.addmm(
        result.flatten(0, -2),
        low.flatten(0, -2),
        second.to(x.dtype).t(),
        alpha=layer.scaling[_ADAPTER],
    )
    return added.view_as(result)
