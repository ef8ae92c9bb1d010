"""Tell how a model in training answers the same few questions, each time it is looked at.

A loss that falls says little to a person; an answer that becomes right says it at once. The
questions are the first of the held-out rows.

Not covered: judging the answers. Plain text has no questions, and nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tools.data.conversation import Conversation, Message, read_conversations
from tools.progress import Progress
from tools.training.render import prompt_text
from tools.training.write_answers import Writer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTIONS = 5
SAMPLE_TOKENS = 64  # of an answer; more would hold up the training


def sampler(
    path: Path,
    tokenizer: PreTrainedTokenizerBase,
    writer: Writer,
    progress: Progress,
    *,
    at_once: int,
) -> Callable[[], None]:
    """Return what tells the answers of the model as it is.

    Args:
        path: The dataset version whose first rows are asked.
        tokenizer: The model's.
        writer: Writes answers of `SAMPLE_TOKENS` at most.
        progress: Is told them.
        at_once: Tokens that fit the memory in training.
    """
    rows = [_asking(row) for row in islice(read_conversations(path), _QUESTIONS) if _asks(row)]
    texts = [prompt_text(row, tokenizer) for row in rows]
    prompts = [list(tokenizer(text, add_special_tokens=False).input_ids) for text in texts]

    def tell() -> None:
        for row, answer in zip(rows, _written(prompts), strict=True):
            progress.sample(row.prompt[-1].content, answer)

    def _written(prompts: Sequence[list[int]]) -> list[str]:
        found = writer.write(prompts, None, at_once=at_once) if prompts else []
        return [one.text if one.ended else f"{one.text} ..." for one in found]

    return tell


def _asks(row: Conversation) -> bool:
    return bool(_asking(row).prompt)


def _asking(row: Conversation) -> Conversation:
    """Return `row` with an answer at its end, which is not looked at."""
    if row.messages and row.messages[-1].role == "assistant" and not row.chosen:
        return row
    answer = Message(role="assistant", content="")
    return row.model_copy(
        update={"messages": (*row.messages, answer), "chosen": (), "rejected": ()}
    )
