"""Let a model that is in training write answers, each by lots of its own.

An answer's lots depend on the words they are drawn by and on nothing else: not on the answers
written beside it, and not on the state of torch's generators. A run that is resumed therefore
writes what it would have written. Without lots each token is the likeliest.

Not covered: beams, and cutting off unlikely tokens (top-k, top-p): what is learned from has to be
drawn from the model as it is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from tools.data.conversation import Conversation, Message
from tools.errors import TrainingError
from tools.training.encode import encode
from tools.training.end_of_turn import Eos, answer_stops
from tools.training.load_model import LoadedModel
from tools.training.row_attention import attending_as
from tools.training.step_order import cut_step

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

# So many times more tokens fit the memory where nothing is kept for a backward pass.
_MORE = 4
_LOT_BITS = 24  # what a float32 holds exactly


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written to a prompt."""

    tokens: list[int]  # with the one that ends it, if it has ended
    text: str
    ended: bool


class Writer(Protocol):
    """Writes answers."""

    def write(
        self, prompts: Sequence[list[int]], drawn_by: Sequence[str] | None, *, at_once: int
    ) -> list[Answer]:
        """Return an answer to each of `prompts`.

        Args:
            prompts: As tokens.
            drawn_by: The words by which the lots of each answer are drawn; None draws none.
            at_once: Tokens that fit the memory in training.

        Raises:
            TrainingError: The model's scores are no numbers, or no token ends an answer.
        """


class AnswerWriter:
    """Writes with a model, while it is trained and after."""

    def __init__(
        self, loaded: LoadedModel, *, eos: Eos, most_tokens: int, temperature: float
    ) -> None:
        """Keep what answers are written with.

        Args:
            loaded: The model as it was loaded, before it reads padding-free batches. An adapter
                that is put into it later takes part.
            eos: The ids at which the model stops, from its generation config.
            most_tokens: Of an answer.
            temperature: That by which the scores are divided before a token is drawn.
        """
        self._model: Any = loaded.model
        self._tokenizer, self._eos = loaded.tokenizer, eos
        self._usual_attention = str(self._model.config._attn_implementation)
        self._most_tokens, self._temperature = most_tokens, temperature

    def write(
        self, prompts: Sequence[list[int]], drawn_by: Sequence[str] | None, *, at_once: int
    ) -> list[Answer]:
        """See `Writer`."""
        import torch

        answers: dict[int, Answer] = {}
        lengths = [len(one) + self._most_tokens for one in prompts]
        was_training = self._model.training
        self._model.eval()
        try:
            # Not inference_mode: what the model keeps for later would then have no gradient.
            with torch.no_grad(), attending_as(self._model, self._usual_attention):
                for places in cut_step(lengths, at_once * _MORE, padded=True):
                    lots = None if drawn_by is None else [drawn_by[place] for place in places]
                    written = self._write([prompts[place] for place in places], lots)
                    answers |= dict(zip(places, written, strict=True))
        finally:
            self._model.train(was_training)
        return [answers[place] for place in range(len(prompts))]

    @cached_property
    def _stops(self) -> list[int]:
        return sorted(stops_of(self._tokenizer, self._eos))

    def _write(self, prompts: Sequence[list[int]], drawn_by: Sequence[str] | None) -> list[Answer]:
        import torch

        pad, longest = self._tokenizer.pad_token_id, max(map(len, prompts))
        ids = torch.tensor([[pad] * (longest - len(one)) + one for one in prompts])
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        lots = None if drawn_by is None else self._lots(drawn_by)
        output = self._model.generate(
            input_ids=ids.to(self._model.device),
            attention_mask=mask.to(self._model.device),
            generation_config=self._settings(),
            logits_processor=[_Draw(lots, longest, self._temperature)],
        )
        return [self._answer(row) for row in output[:, longest:].tolist()]

    def _lots(self, drawn_by: Sequence[str]) -> Tensor:
        """Return numbers from 0 to below 1, one for each token of each answer."""
        import torch

        rows = []
        for words in drawn_by:
            draw = random.Random(words)
            rows.append([draw.getrandbits(_LOT_BITS) for _ in range(self._most_tokens)])
        whole = torch.tensor(rows, dtype=torch.float32, device=self._model.device)
        lots: Tensor = whole / 2**_LOT_BITS
        return lots

    def _settings(self) -> Any:
        """Return the settings of decoding, complete, so that the model's own do not fill gaps."""
        from transformers import GenerationConfig

        settings: Any = GenerationConfig  # which is not typed
        return settings(
            do_sample=False,  # `_Draw` leaves one token to choose
            num_beams=1,
            temperature=1.0,
            top_k=50,
            top_p=1.0,
            repetition_penalty=1.0,
            max_new_tokens=self._most_tokens,
            eos_token_id=self._stops,
            pad_token_id=self._tokenizer.pad_token_id,
            use_cache=True,
        )

    def _answer(self, tokens: Sequence[int]) -> Answer:
        end = next((place for place, one in enumerate(tokens) if one in self._stops), None)
        written = list(tokens) if end is None else list(tokens[: end + 1])
        text = str(self._tokenizer.decode(written, skip_special_tokens=True))
        return Answer(written, text, ended=end is not None)


class _Draw:
    """Leaves the token that is drawn as the only one: a processor of scores for `generate`."""

    def __init__(self, lots: Tensor | None, prompt_tokens: int, temperature: float) -> None:
        self._lots, self._prompt_tokens = lots, prompt_tokens
        self._temperature = temperature

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        import torch

        if bool(torch.isnan(scores).any()):
            raise TrainingError(
                "The model's scores are no numbers, so it cannot write: its weights are damaged. "
                "Fetch the model again."
            )
        if self._lots is None:
            return scores
        lots = self._lots[:, input_ids.shape[1] - self._prompt_tokens, None]
        sums = (scores.float() / self._temperature).softmax(-1).cumsum(-1)
        # The last sum is 1 but for rounding; a lot never reaches it.
        drawn = torch.searchsorted(sums, lots * sums[:, -1:], right=True)
        drawn = drawn.clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)


def stops_of(tokenizer: PreTrainedTokenizerBase, eos: Eos) -> frozenset[int]:
    """Return the ids at which an answer is over, the one that closes a turn among them.

    Raises:
        TrainingError: There is none.
    """
    turns = (Message(role="user", content="1"), Message(role="assistant", content="1"))
    (row,) = encode([Conversation(messages=turns, row=1)], tokenizer)
    stops = answer_stops(row, tokenizer, eos)
    if not stops:
        raise TrainingError(
            "The model has no token that ends an answer, so it would never stop. Use a model whose "
            "tokenizer names an end-of-sequence token."
        )
    return stops
