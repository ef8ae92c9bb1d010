"""Turn conversations into the examples of a method: answers, pairs of answers, judged answers.

Of a pair, the question is given and the two answers are in the loss. An answer that is judged alone
comes with the answer to another question, by which is measured how far the model has moved.

Not covered: what the methods do with them (`methods`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from tools.data.conversation import Conversation, Message
from tools.errors import DatasetError
from tools.training.encode import EncodedRow
from tools.training.fit_rows import LongRows, fit_rows
from tools.training.methods.method import Example

Kind = Literal["answers", "pairs", "judged"]
EncodeRow = Callable[[Conversation], EncodedRow]


def encode_examples(
    conversations: Iterable[Conversation], kind: Kind, encode_row: EncodeRow
) -> list[Example]:
    """Return the examples of `conversations`, in their order and whole however long they are.

    Args:
        conversations: Rows of a dataset.
        kind: What the method learns from.
        encode_row: Of `encode.row_encoder`.

    Raises:
        DatasetError: A row is not of that kind; it is named by its number.
    """
    if kind == "answers":
        return [Example((encode_row(row),)) for row in conversations]
    if kind == "pairs":
        return [_pair(row, encode_row) for row in conversations]
    return _judged([one for row in conversations for one in _answers_of(row)], encode_row)


def fit_examples(
    examples: Sequence[Example], max_length: int, long_rows: LongRows
) -> tuple[list[Example], list[int]]:
    """Return the examples that are trained on, and the rows of those that are too long.

    Raises:
        TrainingError: A row is longer and none may be, or it would be cut before its answer.
    """
    kept, too_long = [], []
    for example in examples:
        fitting = tuple(fit_rows(example.sequences, max_length, long_rows))
        if len(fitting) == len(example.sequences):
            kept.append(replace(example, sequences=fitting))
        else:
            too_long.append(example.sequences[0].row)
    return kept, too_long


def _pair(row: Conversation, encode_row: EncodeRow) -> Example:
    if not row.chosen or not row.rejected:
        raise DatasetError(
            f"Row {row.row} has no pair of a chosen and a rejected answer. Leave such rows out, or "
            "choose the method sft."
        )
    return Example(tuple(encode_row(_going_on(row, way)) for way in (row.chosen, row.rejected)))


def _answers_of(row: Conversation) -> Iterator[tuple[Conversation, bool]]:
    """Yield each answer that is judged in `row`, as a conversation, and whether it is good."""
    if row.chosen and row.rejected:
        yield _going_on(row, row.chosen), True
        yield _going_on(row, row.rejected), False
    elif row.label is not None and row.messages:
        yield (
            _going_on(row.model_copy(update={"messages": row.prompt}), row.messages[-1:]),
            row.label,
        )
    else:
        raise DatasetError(
            f"Row {row.row} does not say whether its answer is good. Give it a label of true or "
            "false, leave such rows out, or choose the method sft."
        )


def _judged(answers: Sequence[tuple[Conversation, bool]], encode_row: EncodeRow) -> list[Example]:
    return [
        Example((encode_row(row), encode_row(_answered_as(row, _other(answers, place)))), good=good)
        for place, (row, good) in enumerate(answers)
    ]


def _other(answers: Sequence[tuple[Conversation, bool]], place: int) -> Conversation:
    """Return the next row that asks something else."""
    asked = answers[place][0].prompt
    for step in range(1, len(answers)):
        other = answers[(place + step) % len(answers)][0]
        if other.prompt != asked:
            return other
    raise DatasetError("All rows ask the same, and this method needs answers to two questions.")


def _answered_as(row: Conversation, other: Conversation) -> Conversation:
    return row.model_copy(update={"messages": (*row.prompt, other.messages[-1])})


def _going_on(row: Conversation, way: tuple[Message, ...]) -> Conversation:
    """Return `row` as it goes on with `way`, of which alone the answers are learned."""
    given = tuple(one.model_copy(update={"weight": 0.0}) for one in row.messages)
    told = {"messages": (*given, *way), "chosen": (), "rejected": (), "label": None}
    return row.model_copy(update=told)
