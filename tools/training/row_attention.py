"""Attention that stays within each row of a padding-free batch.

The rows of a batch stand one behind the other in a single sequence, and nothing pads them; the
model is called with `row_lengths`, and each row attends to itself alone. Registered with
transformers under `ROW_ATTENTION`, so any model that goes through its attention interface takes it.

Not covered: attention that is not causal, soft caps, sinks and position biases. `use_rows` of
`padding_free.py` proves of each model that it may be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

ROW_ATTENTION = "crewtune_rows"
_UNKNOWN = ("softcap", "s_aux", "position_bias")  # what some models ask of their attention
_HALF = ("torch.bfloat16", "torch.float16")


def register_row_attention() -> None:
    """Make `ROW_ATTENTION` known to transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(ROW_ATTENTION, _attend)
    AttentionMaskInterface.register(ROW_ATTENTION, _no_mask)


@contextmanager
def attending_as(model: Any, usual: str) -> Iterator[None]:
    """Let `model` attend by the implementation `usual`, with which it can generate.

    Args:
        model: A causal language model; it attends as before afterwards.
        usual: The name that its config had when it was loaded.
    """
    now = model.config._attn_implementation
    model.set_attn_implementation(usual)
    try:
        yield
    finally:
        model.set_attn_implementation(now)


def _no_mask(*_: Any, **__: Any) -> None:
    # Each row is causal within itself, which the kernels know without a mask.
    return None


def _attend(
    _module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None = None,
    *,
    row_lengths: Sequence[int] = (),
    row_starts: Tensor | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **asked: Any,
) -> tuple[Tensor, None]:
    """Return the attention of `query` (1, heads, tokens, size) as (1, tokens, heads, size)."""
    if any(asked.get(name) is not None for name in _UNKNOWN) or not row_lengths:
        raise TrainingError("This model's attention cannot be taken row by row.")
    window = sliding_window if sliding_window and sliding_window < max(row_lengths) else None
    if row_starts is not None and query.is_cuda and str(query.dtype) in _HALF and not dropout:
        return _attend_at_once(
            (query, key, value), row_starts, longest=max(row_lengths), window=window, scale=scaling
        ), None
    import torch

    parts = (torch.split(one, list(row_lengths), dim=2) for one in (query, key, value))
    outputs = [
        _attend_in_row(*row, window=window, scale=scaling, dropout=dropout)
        for row in zip(*parts, strict=True)
    ]
    return torch.cat(outputs, dim=2).transpose(1, 2), None


def _attend_in_row(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    window: int | None,
    scale: float | None,
    dropout: float,
) -> Tensor:
    from torch.nn.functional import scaled_dot_product_attention

    shared = query.shape[1] != key.shape[1]
    mask = None if window is None or window >= query.shape[2] else _band(query, window)
    return scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None,
        scale=scale,
        enable_gqa=shared,
    )


def _band(query: Tensor, window: int) -> Tensor:
    """Return which of the tokens before it each token sees: itself and the `window - 1` last."""
    import torch

    places = torch.arange(query.shape[2], device=query.device)
    behind = places[:, None] - places[None, :]
    return (behind >= 0) & (behind < window)


def _attend_at_once(
    states: tuple[Tensor, Tensor, Tensor],
    starts: Tensor,
    *,
    longest: int,
    window: int | None,
    scale: float | None,
) -> Tensor:
    """Take all rows in one kernel. A GPU has one; a row at a time would leave it idle."""
    from torch.nn.attention.varlen import varlen_attn

    query, key, value = (one[0].transpose(0, 1).contiguous() for one in states)
    output: Any = varlen_attn(
        query,
        key,
        value,
        starts,
        starts,
        longest,
        longest,
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return output[None]  # type: ignore[no-any-return]
