"""Let a base model and its adapters answer the held-out rows.

The base is loaded once; adapters are switched on it. Decoding is greedy, so the same model gives
the same answers, and an answer ends at the token that ends a turn. Rows of similar length share a
batch, padded on the left; which rows share one does not change the answers.

Not covered: sampling, answers of more than 512 tokens, and models that do not generate from left
to right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation
from tools.data.conversation_text import normalised_text
from tools.errors import EvaluationError
from tools.evaluation.batches import Clock, batches, padded
from tools.progress import NoProgress, Progress
from tools.training.encode import encode
from tools.training.end_of_turn import answer_stops
from tools.training.out_of_memory import memory_told
from tools.training.render import prompt_text
from tools.training.thoughts import split_thoughts, written_inline

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_LONGEST_ANSWER_TOKENS = 512
_TOO_LARGE = (
    "The memory is too small to answer the held-out rows. End other programs that take memory, or "
    "choose a smaller model."
)
_THINKING = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)


class AnsweredRow(BaseModel):
    """What every candidate answered to one held-out row."""

    model_config = ConfigDict(frozen=True)

    row: int = Field(description="Number of the row in the file it came from.")
    prompt: str = Field(description="What was asked, as a person would read it.")
    reference: str
    answers: dict[str, str] = Field(description="By candidate; empty for plain text.")
    stopped: dict[str, bool] = Field(
        description="Whether the candidate ended its answer, rather than running out of tokens."
    )

    @property
    def prompt_key(self) -> str:
        """What makes two prompts equal, as when the rows were split. Plain text is its own."""
        return normalised_text(self.prompt or self.reference)


@contextmanager
def speaking_as(model: PreTrainedModel | PeftModel, adapter: str | None) -> Iterator[None]:
    """Answer with `adapter` of the model, or with its base when `adapter` is None."""
    from peft import PeftModel

    if adapter is not None:
        model.set_adapter(adapter)
        yield
    elif isinstance(model, PeftModel):
        with model.disable_adapter():
            yield
    else:
        yield


def answer_heldout(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    conversations: Sequence[Conversation],
    candidates: Mapping[str, str | None],
    batch_size: int = 16,
    progress: Progress | None = None,
) -> tuple[AnsweredRow, ...]:
    """Let every candidate answer every conversation, in their order.

    Args:
        model: The base, with the adapters of the candidates attached.
        tokenizer: The base's tokenizer.
        conversations: Held-out rows. A dataset of plain text is not answered.
        candidates: The name of each candidate and its PEFT adapter; None for the base itself.
        batch_size: Rows answered at a time.
        progress: Told the share done, and asked at every token whether to stop.
    """
    if not conversations or any(one.plain_text for one in conversations):
        return tuple(_row(one, {}, {}) for one in conversations)
    progress = progress or NoProgress()
    prompts = [_asked(one, tokenizer) for one in conversations]
    plan = batches([len(prompt) for prompt in prompts], batch_size)
    clock = Clock(len(plan) * len(candidates), progress)
    settings = _greedy(model, tokenizer, conversations)
    answers: list[dict[str, str]] = [{} for _ in prompts]
    stopped: list[dict[str, bool]] = [{} for _ in prompts]
    model.eval()
    for name, adapter in candidates.items():
        with speaking_as(model, adapter):
            for index, tokens in _written(
                model, prompts, plan=plan, settings=settings, clock=clock
            ):
                text = str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()
                answers[index][name] = _without_thinking(text, conversations[index].answer)
                stopped[index][name] = not set(tokens).isdisjoint(settings.eos_token_id)
    return tuple(map(_row, conversations, answers, stopped))


def _greedy(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Conversation],
) -> Any:
    """Return the settings of decoding, complete, so that the model's own do not fill gaps."""
    from transformers import GenerationConfig

    settings: Any = GenerationConfig  # which is not typed
    stops = _stop_ids(model, tokenizer, rows[0])
    if not stops:
        raise EvaluationError(
            "The model has no token that ends an answer, so it would never stop. Use a model "
            "whose tokenizer names an end-of-sequence token."
        )
    longest = max(len(_tokens(_written_out(one), tokenizer)) for one in rows)
    # A quarter more than the longest reference, so that an answer that does not end shows it.
    room = min(_LONGEST_ANSWER_TOKENS, longest * 5 // 4 + 8)
    pad = tokenizer.pad_token_id
    return settings(
        do_sample=False,
        num_beams=1,
        temperature=1.0,
        top_k=50,
        top_p=1.0,
        repetition_penalty=1.0,
        max_new_tokens=room,
        eos_token_id=stops,
        pad_token_id=stops[0] if pad is None else pad,
        use_cache=True,
    )


def _stop_ids(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, row: Conversation
) -> list[int]:
    """Return the tokens that end an answer: the model's, and the one its template closes with."""
    own = model.generation_config.eos_token_id
    return sorted(answer_stops(encode([row], tokenizer)[0], tokenizer, own))


def _written(
    model: PreTrainedModel | PeftModel,
    prompts: Sequence[list[int]],
    *,
    plan: Sequence[list[int]],
    settings: Any,
    clock: Clock,
) -> Iterator[tuple[int, list[int]]]:
    """Yield the index of each prompt and the tokens it is answered with, batch by batch."""
    for batch in plan:
        answers = _generate(model, [prompts[i] for i in batch], settings=settings, clock=clock)
        yield from zip(batch, answers, strict=True)
        clock.tick()


def _generate(
    model: PreTrainedModel | PeftModel,
    prompts: Sequence[list[int]],
    *,
    settings: Any,
    clock: Clock,
) -> list[list[int]]:
    """Return the tokens each prompt is answered with, including the one that ends the answer."""
    import torch

    def go_on(*_: Any, **__: Any) -> bool:
        clock.check()
        return False

    speaker: Any = model
    ids, mask = padded(prompts, settings.pad_token_id, left=True)
    with memory_told(EvaluationError(_TOO_LARGE)), torch.inference_mode():
        output = speaker.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=settings,
            stopping_criteria=[go_on],
        )
    return [list(row) for row in output[:, ids.shape[1] :].tolist()]


def _asked(row: Conversation, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return _tokens(prompt_text(row, tokenizer), tokenizer)


def _written_out(row: Conversation) -> str:
    """Return all that the reference writes, with its thoughts and its calls of tools."""
    last = row.messages[-1]
    calls = "".join(json.dumps([call.name, call.arguments]) for call in last.tool_calls)
    return written_inline(*split_thoughts(last)) + calls


def _tokens(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    # The template writes special tokens itself; adding them again would double the first one.
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def _without_thinking(text: str, reference: str) -> str:
    """Drop the thoughts a reasoning model writes first, unless the reference has some too."""
    thoughts = _THINKING.match(text)
    if thoughts is None or _THINKING.match(reference):
        return text
    return text[thoughts.end() :]


def _row(
    conversation: Conversation, answers: dict[str, str], stopped: dict[str, bool]
) -> AnsweredRow:
    turns = conversation.prompt
    alone = len(turns) == 1
    return AnsweredRow(
        row=conversation.row,
        prompt=turns[0].content if alone else "\n".join(f"{t.role}: {t.content}" for t in turns),
        reference=conversation.answer,
        answers=answers,
        stopped=stopped,
    )
