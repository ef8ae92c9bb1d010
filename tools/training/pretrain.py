"""Make tiny-instruct: a language model of about one million parameters, trained from nothing.

It lets the whole product run, and be tested, on a machine without a GPU and without internet. The
text is pieces with an empty line between them; a piece whose lines begin with `User:` and
`Assistant:` is a conversation, any other is prose.

Not covered: large models, and resuming a half-done training; it takes a minute.
"""

import random
import tempfile
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import DiskError, ModelError, TrainingError
from tools.files import sha256_of
from tools.progress import NoProgress, Progress
from tools.training.guard_writing import guard_writing
from tools.training.tiny_model import (
    TINY_INSTRUCT,
    TinySize,
    build_tiny_network,
    build_tiny_tokenizer,
)

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_REPORT = "pretrain_report.json"
_MATRIX_RATE = 0.02
_OTHER_RATE = 4e-3
_NOBODY = NoProgress()


class PretrainReport(BaseModel):
    """What `pretrain` made."""

    model_config = ConfigDict(frozen=True)

    model: str = Field(description="Name of the model.")
    text_sha256: str = Field(default="", description="Of the text it was trained on.")
    parameters: int
    tokens: int = Field(description="Tokens the model was trained on, repeats included.")
    seconds: float
    final_loss: float = Field(description="Mean cross-entropy of the last tenth of the steps.")
    reused: bool = Field(description="Whether the model was there already.")


def pretrain(
    target: Path,
    text: Path,
    *,
    seed: int = 42,
    size: TinySize = TINY_INSTRUCT,
    progress: Progress = _NOBODY,
) -> PretrainReport:
    """Train a tiny model on `text` and write it to the folder `target`, whole or not at all.

    Raises:
        ModelError: `target` is there, and `pretrain` did not make it.
        TrainingError: `text` is missing or empty, or the disk is full.
    """
    import torch

    if target.exists():
        return _reused(target, text, progress)
    begin = time.monotonic()
    conversations, prose = _read_pieces(text)
    tokenizer = build_tiny_tokenizer(_plain_texts(conversations, prose), size)
    blocks = _pack(tokenizer, conversations, prose, size, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_tiny_network(tokenizer, size)
        loss = _train(model, blocks, size, progress)
    report = PretrainReport(
        model=target.name,
        text_sha256=sha256_of(text),
        parameters=model.num_parameters(),
        tokens=size.steps * size.batch_rows * size.block_tokens,
        seconds=round(time.monotonic() - begin, 1),
        final_loss=round(loss, 4),
        reused=False,
    )
    return _save(model, tokenizer, report, target)


def _read_pieces(text: Path) -> tuple[list[list[dict[str, str]]], list[str]]:
    if not text.is_file():
        raise TrainingError(f"There is no pretraining text {text.name!r}.")
    conversations, prose = [], []
    content = text.read_text(encoding="utf-8").strip()
    if not content:
        raise TrainingError(f"The pretraining text {text.name!r} is empty. Give it some sentences.")
    for piece in content.split("\n\n"):
        turns = [line.partition(": ") for line in piece.split("\n")]
        if all(role in {"System", "User", "Assistant"} for role, _, _ in turns):
            conversations.append(
                [{"role": role.lower(), "content": said} for role, _, said in turns]
            )
        else:
            prose.append(piece)
    return conversations, prose


def _plain_texts(conversations: list[list[dict[str, str]]], prose: list[str]) -> list[str]:
    return [*prose, *(turn["content"] for turn in chain.from_iterable(conversations))]


def _pack(
    tokenizer: "PreTrainedTokenizerFast",
    conversations: list[list[dict[str, str]]],
    prose: list[str],
    size: TinySize,
    seed: int,
) -> "torch.Tensor":
    """Return blocks of token, label and position, each of whole pieces, enough for every step."""
    import torch

    pieces = _tokenize(tokenizer, conversations, prose, size)
    dice = random.Random(seed)
    blocks: list[list[tuple[int, int, int]]] = [[]]
    while len(blocks) <= size.steps * size.batch_rows:
        for piece in dice.sample(pieces, len(pieces)):
            if len(blocks[-1]) + len(piece) > size.block_tokens:
                blocks.append([])
            blocks[-1].extend(piece)
    padding = (tokenizer.pad_token_id, -100, 0)
    full = [one + [padding] * (size.block_tokens - len(one)) for one in blocks]
    return torch.tensor(full[: size.steps * size.batch_rows]).transpose(1, 2)


def _tokenize(
    tokenizer: "PreTrainedTokenizerFast",
    conversations: list[list[dict[str, str]]],
    prose: list[str],
    size: TinySize,
) -> list[list[tuple[int, int, int]]]:
    """Return each piece as tokens with their labels and positions; prose is learned whole."""
    said: Any = tokenizer.apply_chat_template(
        conversations, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    told = tokenizer([f"{one}{tokenizer.eos_token}" for one in prose])["input_ids"]
    pairs = [
        *zip(said["input_ids"], said["assistant_masks"], strict=True),
        *((ids, [1] * len(ids)) for ids in told),
    ]
    return [
        [
            (token, token if learned else -100, at)
            for at, (token, learned) in enumerate(zip(ids, mask, strict=True))
        ][: size.block_tokens]
        for ids, mask in pairs
    ]


def _train(
    model: "LlamaForCausalLM", blocks: "torch.Tensor", size: TinySize, progress: Progress
) -> float:
    """Go through `blocks` once and return the mean loss of the last tenth of the steps."""
    import torch

    optimizers = _optimizers(model)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, partial(_share_of_rate, steps=size.steps))
        for one in optimizers
    ]
    begin = time.monotonic()
    losses: list[float] = []
    model.train()
    for step, rows in enumerate(torch.split(blocks, size.batch_rows), start=1):
        progress.check()
        # Positions that start again tell the network where one piece ends and the next begins.
        ids, labels, positions = rows.unbind(dim=1)
        loss = model(input_ids=ids, labels=labels, position_ids=positions, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        for schedule in schedules:
            schedule.step()
        model.zero_grad()
        losses.append(loss.item())
        if step % 10 == 0 or step == size.steps:
            progress.metric("loss", losses[-1], step)
            pace = (time.monotonic() - begin) / step
            progress.percent(100 * step / size.steps, pace * (size.steps - step))
    last = losses[-max(1, size.steps // 10) :]
    return sum(last) / len(last)


def _optimizers(model: "LlamaForCausalLM") -> "list[torch.optim.Optimizer]":
    """Return Muon for the matrices of the layers, which halves the steps needed, and AdamW."""
    import torch

    matrices = [one for one in model.model.layers.parameters() if one.dim() == 2]
    taken = {id(one) for one in matrices}
    others = [one for one in model.parameters() if id(one) not in taken]
    return [
        torch.optim.Muon(matrices, lr=_MATRIX_RATE, weight_decay=0.01),
        torch.optim.AdamW(others, lr=_OTHER_RATE, betas=(0.9, 0.98)),
    ]


def _share_of_rate(step: int, *, steps: int) -> float:
    """Rise over the first 20 steps, then fall to nearly nothing."""
    return min((step + 1) / 20, 1.02 - 1.02 * step / steps, 1.0)


def _save(
    model: "LlamaForCausalLM",
    tokenizer: "PreTrainedTokenizerFast",
    report: PretrainReport,
    target: Path,
) -> PretrainReport:
    """Write everything aside and then give it its name: a reader sees all of it or nothing."""
    refusal = f"The model {target.name!r} cannot be written. Free some space on the disk."
    with guard_writing(DiskError(refusal)):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            aside = Path(folder) / "model"
            _write(model, tokenizer, aside)
            (aside / _REPORT).write_text(report.model_dump_json(), encoding="utf-8")
            try:
                aside.rename(target)
            except OSError:  # another process was faster; the models are the same
                return _earlier_report(target)
    return report


def _write(model: "LlamaForCausalLM", tokenizer: "PreTrainedTokenizerFast", folder: Path) -> None:
    from safetensors.torch import save_file

    tokenizer.save_pretrained(folder)
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    # Not model.save_pretrained(): it draws a progress bar. The head is tied to the embedding.
    weights = {name: one for name, one in model.state_dict().items() if name != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _reused(target: Path, text: Path, progress: Progress) -> PretrainReport:
    report = _earlier_report(target)
    if text.is_file() and report.text_sha256 != sha256_of(text):
        progress.log(
            f"{target.name} was made from another text and is used as it is. "
            "To have it made anew, delete its folder among the models."
        )
    return report


def _earlier_report(target: Path) -> PretrainReport:
    try:
        content = (target / _REPORT).read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(
            f"The model folder {target.name!r} is there, but pretraining did not make it. "
            "Choose another name or remove it."
        ) from error
    return PretrainReport.model_validate_json(content).model_copy(update={"reused": True})
