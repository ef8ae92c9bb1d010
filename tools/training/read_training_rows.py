"""Read the rows of a dataset version as a method learns them, with the proof of their masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.counted import counted
from tools.data.conversation import read_conversations
from tools.errors import TrainingError
from tools.hub.resolve_model import ModelSource
from tools.progress import Progress
from tools.training.encode import row_encoder
from tools.training.encode_examples import encode_examples, fit_examples
from tools.training.encode_prompts import encode_prompts, fit_prompts
from tools.training.end_of_turn import Eos, generation_stops
from tools.training.load_model import load_tokenizer
from tools.training.methods.choose_method import kind_of
from tools.training.methods.method import Example
from tools.training.prove_masks import MaskProof, prove_masks
from tools.training.recipe import MethodName, Recipe
from tools.training.write_answers import stops_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LISTED = 20
_LONGEST = 131_072  # tokens; what a model reads that does not say


class TrainingRows(NamedTuple):
    """Examples, and the proof that each teaches its answer."""

    examples: list[Example]
    proof: MaskProof


def read_training_rows(
    path: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, *, eos: Eos
) -> TrainingRows:
    """Return the rows of the dataset version at `path` that fit.

    Args:
        path: The dataset version.
        tokenizer: Speaks as the recipe says.
        recipe: Names the method, and what becomes of long rows.
        eos: The ids at which the model stops, from its generation config.

    Raises:
        DatasetError: A row is not of that kind, or has no answer that may be learned.
        TrainingError: A row would not teach its answer and its end.
    """
    kind = kind_of(recipe.method)
    if kind == "prompts":
        return _read_prompts(path, tokenizer, recipe, eos=eos)
    encode_row = row_encoder(tokenizer, thoughts=recipe.thoughts)
    examples = encode_examples(read_conversations(path), kind, encode_row)
    kept, too_long = fit_examples(examples, recipe.max_length, recipe.long_rows)
    if not kept:
        raise TrainingError(
            f"All {counted(len(examples), 'row')} are longer than {recipe.max_length} tokens. "
            "Raise max_length."
        )
    proof = prove_masks(
        [row for one in kept for row in one.sequences],
        tokenizer,
        max_length=recipe.max_length,
        eos=eos,
        long_rows=recipe.long_rows,
    )
    told = {
        "rows": len(kept),
        "rows_too_long": len(too_long),
        "first_too_long": tuple(too_long[:_LISTED]),
    }
    return TrainingRows(kept, proof.model_copy(update=told))


def _read_prompts(
    path: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, *, eos: Eos
) -> TrainingRows:
    """Return the questions of the dataset version at `path` that leave room for an answer.

    Their lengths in the proof are those with the longest answer.
    """
    examples = encode_prompts(read_conversations(path), tokenizer, recipe.rewards)
    room = recipe.max_completion_length
    kept, too_long = fit_prompts(
        examples, room, max_length=recipe.max_length, long_rows=recipe.long_rows
    )
    if not kept:
        raise TrainingError(
            f"All {counted(len(examples), 'row')} and an answer of {room:,} tokens are longer than "
            f"max_length, {recipe.max_length:,}. Raise it, or make max_completion_length smaller."
        )
    lengths = sorted(one.tokens + room for one in kept)
    stops = sorted(stops_of(tokenizer, eos))
    proof = MaskProof(
        rows=len(kept),
        rows_too_long=len(too_long),
        first_too_long=tuple(too_long[:_LISTED]),
        tokens=sum(lengths),
        tokens_in_loss=0,
        longest_tokens=lengths[-1],
        median_tokens=lengths[len(lengths) // 2],
        end_of_turn=tuple(str(tokenizer.convert_ids_to_tokens(one)) for one in stops),
    )
    return TrainingRows(kept, proof)


def prove_rows(path: Path, source: ModelSource, recipe: Recipe) -> MaskProof:
    """Prove the rows of the dataset version at `path` that are not too long for the model itself.

    Raises:
        DatasetError: A row is not what the recipe's method learns from.
        TrainingError: A row would not teach its answer and its end.
    """
    tokenizer = load_tokenizer(source, recipe.chat_template)
    length = min(source.max_positions or _LONGEST, _LONGEST)
    whole = recipe.model_copy(update={"max_length": length, "long_rows": "leave_out"})
    stops = generation_stops(source.folder)
    return read_training_rows(path, tokenizer, whole, eos=stops).proof


def likely_method(path: Path) -> MethodName:
    """Return the method for the rows of the dataset version at `path`, judged by its first row."""
    for row in read_conversations(path):
        if row.chosen and row.rejected:
            return "dpo"
        return "sft" if row.label is None else "kto"
    return "sft"


def tell_left_out(proof: MaskProof, use: str, recipe: Recipe, progress: Progress) -> None:
    """Say which rows to `use` are not, or not wholly, learned from."""
    if proof.rows_too_long:
        progress.log(
            f"Longer than {recipe.max_length} tokens, and left out: {proof.rows_too_long} of "
            f"{counted(proof.rows_too_long + proof.rows, 'row')} to {use}. The first is row "
            f"{proof.first_too_long[0]}."
        )
    if proof.rows_cut:
        progress.log(
            f"Cut to {recipe.max_length} tokens: {proof.rows_cut} of "
            f"{counted(proof.rows, 'row')} to {use}, {proof.rows_cut_in_answer} of them within an "
            "answer."
        )
    if proof.answers_rewritten:
        progress.log(
            f"The chat template rewrites {counted(proof.answers_rewritten, 'earlier answer')} of "
            f"the rows to {use}; they are not learned."
        )
