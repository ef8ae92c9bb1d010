"""Which tokens end an answer: one definition for the proof of the masks and for answering.

A model names the tokens at which it stops in its generation config, and a tokenizer its end of
sequence. Some chat templates close a turn with a token that neither names; it is special all the
same, and closes every answer.

Not covered: texts that end an answer without a token of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tools.hub.read_json import read_json_object
from tools.training.encode import IGNORED, EncodedRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Eos = int | Iterable[int] | None  # as a generation config has it


def generation_stops(folder: Path) -> frozenset[int]:
    """Return the ids at which the model in `folder` stops, as its files say; none if they do not.

    Raises:
        ModelError: Such a file cannot be read.
    """
    for name in ("generation_config.json", "config.json"):
        named = read_json_object(folder / name) if (folder / name).is_file() else {}
        if named.get("eos_token_id") is not None:
            return _ids(named["eos_token_id"])
    return frozenset()


def answer_stops(row: EncodedRow, tokenizer: PreTrainedTokenizerBase, eos: Eos) -> frozenset[int]:
    """Return the ids at which an answer is over: the named ones, and the one that closes `row`."""
    closing = closing_token(row, tokenizer, may_end_a_turn(tokenizer, eos))
    return _ids(eos) | _ids(tokenizer.eos_token_id) | _ids(closing)


def may_end_a_turn(tokenizer: PreTrainedTokenizerBase, eos: Eos) -> frozenset[int]:
    """Return `eos` and the special tokens, but those that begin or pad a text."""
    added = tokenizer.added_tokens_decoder.items()
    special = {*tokenizer.all_special_ids, *(key for key, token in added if token.special)}
    begin_or_pad = {tokenizer.bos_token_id, tokenizer.pad_token_id} - {tokenizer.eos_token_id}
    return _ids(eos) | (special - begin_or_pad)


def closing_token(
    row: EncodedRow, tokenizer: PreTrainedTokenizerBase, enders: frozenset[int]
) -> int | None:
    """Return which of `enders` ends the last answer of `row`; None when none in its loss does."""
    for token in reversed(row.labels):
        if token in enders:
            return token
        if token != IGNORED and str(tokenizer.decode([token])).strip():
            return None
    return None


def _ids(named: object) -> frozenset[int]:
    several = named if isinstance(named, Iterable) else [named]
    return frozenset(one for one in several if isinstance(one, int))
