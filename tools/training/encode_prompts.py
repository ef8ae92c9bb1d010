"""Turn conversations into questions to be answered, as the model is asked them in use.

A row that ends with an answer is asked without it; the answer may serve a reward to compare with.

Not covered: the answers, which the model writes itself (`write_answers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tools.data.conversation import Conversation, Message
from tools.errors import DatasetError, TrainingError
from tools.training.encode import IGNORED, EncodedRow
from tools.training.fit_rows import LongRows
from tools.training.methods.method import Example
from tools.training.render import prompt_text
from tools.training.rewards import Reward, expected_by

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode_prompts(
    conversations: Iterable[Conversation],
    tokenizer: PreTrainedTokenizerBase,
    rewards: Sequence[Reward],
) -> list[Example]:
    """Return the question of each conversation, with the answers its rewards compare with.

    Raises:
        DatasetError: A row asks nothing, or has no right answer and a reward needs it.
        ModelError: The chat template cannot render a row.
    """
    return [
        Example(
            (_prompt(row, tokenizer),),
            expected=tuple(expected_by(reward, row) for reward in rewards),
        )
        for row in conversations
    ]


def fit_prompts(
    examples: Sequence[Example], answer_tokens: int, *, max_length: int, long_rows: LongRows
) -> tuple[list[Example], list[int]]:
    """Return the questions that leave room for an answer, and the rows of those that do not.

    Raises:
        TrainingError: There is such a row, and none may be left out. A question is never cut.
    """
    kept, too_long = [], []
    for example in examples:
        if example.tokens + answer_tokens <= max_length:
            kept.append(example)
        elif long_rows == "leave_out":
            too_long.append(example.sequences[0].row)
        else:
            raise TrainingError(
                f"Row {example.sequences[0].row} asks in {example.tokens:,} tokens, and with "
                f"{answer_tokens:,} of max_completion_length it is longer than max_length, "
                f"{max_length:,}. Raise max_length, make max_completion_length smaller, or set "
                "long_rows to leave_out."
            )
    return kept, too_long


def _prompt(row: Conversation, tokenizer: PreTrainedTokenizerBase) -> EncodedRow:
    if row.plain_text or not row.messages or row.steps:
        raise DatasetError(
            f"Row {row.row} asks nothing: it has no turn before the answer. Leave such rows out, "
            "or choose the method sft."
        )
    # The template is told to ask for the turn after the question, whatever stands there.
    answered = row.messages[-1].role == "assistant"
    turns = row.messages if answered else (*row.messages, Message(role="assistant", content=""))
    text = prompt_text(row.model_copy(update={"messages": turns}), tokenizer)
    # The template writes special tokens itself; adding them again would double the first one.
    ids = list(tokenizer(text, add_special_tokens=False).input_ids)
    return EncodedRow(row.row, ids, [IGNORED] * len(ids))
