"""Answer the held-out rows with a base model and its adapters, and compare what came out.

Two steps, so that each can be looked at: `answer_rows` writes `answers.jsonl` (every row with
every candidate's answer and loss), `compare_answers` reads it and compares. The adapters are
switched on the one base.

Not covered: held-out rows longer than the base can read; they are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, read_conversations
from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow, answer_heldout, speaking_as
from tools.evaluation.compare import Comparison
from tools.evaluation.remarks import on_cut_answers, on_long_rows
from tools.evaluation.row_losses import row_losses
from tools.evaluation.scores import (
    Metric,
    check_reading,
    choose_primary_metric,
    compare_all,
    compare_tuned,
    score_rows,
)
from tools.files import write_text
from tools.progress import NoProgress, Progress
from tools.training.encode import EncodedRow, encode
from tools.training.load_model import LoadedModel, attach_adapters
from tools.training.thoughts import Thoughts, without_thoughts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FILE_NAME = "answers.jsonl"


class EvaluatedRow(AnsweredRow):
    """What every candidate answered to one held-out row, and its loss on the reference."""

    losses: dict[str, float] = Field(description="Nats a token of the reference, by candidate.")


class AnswerReport(BaseModel):
    """Who answered how many rows."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Held-out rows that every candidate answered.")
    rows_too_long: int = Field(description="Rows left out: longer than the base can read.")
    candidates: tuple[str, ...]
    primary_metric: Metric = Field(description="Chosen from the references alone.")
    stopped: dict[str, float] = Field(
        description="Share of answers that ended by themselves, by candidate; none of plain text."
    )


class CompareReport(BaseModel):
    """The tuned model against its base, against other rows' references, and the champion."""

    model_config = ConfigDict(frozen=True)

    primary_metric: Metric
    against_base: tuple[Comparison, ...]
    reading: Comparison | None
    against_champion: Comparison | None


def answer_rows(
    base: LoadedModel,
    adapters: Mapping[str, Path],
    *,
    heldout: Path,
    folder: Path,
    max_positions: int | None,
    thoughts: Thoughts = "keep",
    progress: Progress | None = None,
) -> AnswerReport:
    """Let the base and every adapter answer `heldout`; write `answers.jsonl` to `folder`.

    Args:
        base: The base model, loaded as the adapters were trained, with their chat template. It
            gets the adapters.
        adapters: Folders by candidate name, `tuned` and perhaps `champion`.
        heldout: The dataset version kept apart.
        folder: The run's folder.
        max_positions: Tokens the base can read; None when that is not known.
        thoughts: What became of the thoughts in the rows that the adapter was trained on.
        progress: Told the share done; may ask to stop.

    Raises:
        EvaluationError: No held-out row fits the model.
        ModelError: An adapter cannot be loaded.
    """
    progress = progress or NoProgress()
    model = attach_adapters(base.model, adapters)
    asked = _asked(heldout, thoughts)
    conversations, encoded, too_long = _fitting(asked, base.tokenizer, max_positions)
    for remark in on_long_rows(too_long, len(conversations), part="held-out"):
        progress.log(remark)
    candidates: dict[str, str | None] = {"base": None, **{name: name for name in adapters}}
    answered = answer_heldout(
        model, base.tokenizer, conversations=conversations, candidates=candidates, progress=progress
    )
    stopped = {name: fmean(row.stopped[name] for row in answered) for name in answered[0].stopped}
    for remark in on_cut_answers(stopped):
        progress.log(remark)
    progress.log("Measuring the loss on them.")
    pad = base.tokenizer.pad_token_id
    losses = {}
    for name, adapter in candidates.items():
        with speaking_as(model, adapter):
            losses[name] = row_losses(model, encoded, pad_token_id=pad, progress=progress)
    rows = _with_losses(answered, losses)
    write_text(folder / _FILE_NAME, "".join(f"{row.model_dump_json()}\n" for row in rows))
    return AnswerReport(
        rows=len(rows),
        rows_too_long=too_long,
        candidates=tuple(candidates),
        primary_metric=choose_primary_metric(conversations),
        stopped=stopped,
    )


def read_answers(folder: Path) -> list[EvaluatedRow]:
    """Return the rows of `answers.jsonl`.

    Raises:
        EvaluationError: The held-out rows have not been answered in this run.
    """
    path = folder / _FILE_NAME
    if not path.is_file():
        raise EvaluationError("The held-out rows have not been answered in this run.")
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [EvaluatedRow.model_validate_json(line) for line in lines]


def compare_answers(folder: Path, primary_metric: Metric) -> CompareReport:
    """Compare the tuned model's answers in `folder` with those of the others.

    Raises:
        EvaluationError: There are no answers, or a score is not finite.
    """
    rows = read_answers(folder)
    losses = {name: [row.losses[name] for row in rows] for name in rows[0].losses}
    table = score_rows(rows, losses)
    has_champion = "champion" in table.scores[primary_metric]
    return CompareReport(
        primary_metric=primary_metric,
        against_base=compare_all(table),
        reading=check_reading(rows, primary_metric) if primary_metric != "loss" else None,
        against_champion=compare_tuned(table, primary_metric, baseline="champion")
        if has_champion
        else None,
    )


def _asked(heldout: Path, thoughts: Thoughts) -> list[Conversation]:
    """Return the held-out rows as they are asked."""
    rows = read_conversations(heldout)
    return [without_thoughts(one) for one in rows] if thoughts == "drop" else list(rows)


def _with_losses(
    answered: Sequence[AnsweredRow], losses: Mapping[str, Sequence[float]]
) -> list[EvaluatedRow]:
    """Return the answered rows, each with the loss of every candidate on its reference."""
    return [
        EvaluatedRow(**dict(row), losses={name: values[index] for name, values in losses.items()})
        for index, row in enumerate(answered)
    ]


def _fitting(
    conversations: list[Conversation], tokenizer: PreTrainedTokenizerBase, limit: int | None
) -> tuple[list[Conversation], list[EncodedRow], int]:
    """Return the rows of at most `limit` tokens, also encoded, and how many are longer."""
    encoded = encode(conversations, tokenizer)
    kept = [
        (one, row)
        for one, row in zip(conversations, encoded, strict=True)
        if limit is None or len(row.input_ids) <= limit
    ]
    if not kept:
        raise EvaluationError(
            f"All {len(conversations)} held-out rows are longer than the model's {limit} tokens. "
            "Choose a model that reads longer texts, or shorten the rows."
        )
    rows, tokens = zip(*kept, strict=True)
    return list(rows), list(tokens), len(conversations) - len(kept)
