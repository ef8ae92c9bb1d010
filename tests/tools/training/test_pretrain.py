"""A tiny model is made from text, whole or not at all, and speaks the chat template."""

from pathlib import Path
from typing import Any

import pytest

from tools.errors import ModelError, TrainingError
from tools.progress import Cancelled, NoProgress
from tools.training.pretrain import PretrainReport, pretrain
from tools.training.tiny_model import TinySize

SMALL = TinySize(
    vocabulary=400,
    hidden=32,
    intermediate=64,
    layers=2,
    steps=12,
    batch_rows=4,
    block_tokens=64,
)
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi there"},
    {"role": "tool", "content": "4 degrees"},
    {"role": "assistant", "content": "Cold"},
]


class Listener(NoProgress):
    """Keeps what it was told, and asks to stop after `patience` checks."""

    def __init__(self, patience: int = 1000) -> None:
        self.patience = patience
        self.losses: list[float] = []
        self.shares: list[float] = []
        self.logs: list[str] = []

    def log(self, message: str) -> None:
        self.logs.append(message)

    def metric(self, name: str, value: float, step: int) -> None:
        self.losses.append(value)

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        assert seconds_left is not None
        assert seconds_left >= 0
        self.shares.append(done)

    def check(self) -> None:
        self.patience -= 1
        if self.patience < 0:
            raise Cancelled


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    pieces = [f"The fan number {number} turns. It is cold.\nGood." for number in range(20)]
    chats = [f"User: Hello {number}\nAssistant: Hi {number}" for number in range(20)]
    path.write_text("\n\n".join(pieces + chats) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(text: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PretrainReport]:
    target = tmp_path_factory.mktemp("models") / "tiny"
    return target, pretrain(target, text, size=SMALL)


@pytest.fixture(scope="module")
def tokenizer(made: tuple[Path, PretrainReport]) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(made[0])


def test_the_report_tells_what_was_made(made: tuple[Path, PretrainReport]) -> None:
    target, report = made

    assert report.model == "tiny"
    assert report.parameters < 50_000
    assert report.tokens > 1000
    assert report.final_loss > 0
    assert not report.reused
    assert [path.name for path in target.parent.iterdir()] == ["tiny"]
    assert (target / "model.safetensors").is_file()


def test_a_second_call_returns_the_first_model(
    made: tuple[Path, PretrainReport], text: Path
) -> None:
    target, report = made
    before = (target / "model.safetensors").stat().st_mtime_ns

    again = pretrain(target, text, size=SMALL)

    assert again == report.model_copy(update={"reused": True})
    assert (target / "model.safetensors").stat().st_mtime_ns == before


def test_a_model_of_another_text_is_kept_and_said(
    made: tuple[Path, PretrainReport], text: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Another text.\n", encoding="utf-8")
    heard, silent = Listener(), Listener()

    pretrain(made[0], other, size=SMALL, progress=heard)
    pretrain(made[0], text, size=SMALL, progress=silent)

    assert "made from another text" in heard.logs[0]
    assert silent.logs == []


def test_the_same_seed_gives_the_same_weights(
    made: tuple[Path, PretrainReport], text: Path, tmp_path: Path
) -> None:
    same, other = tmp_path / "same", tmp_path / "other"

    pretrain(same, text, size=SMALL)
    pretrain(other, text, size=SMALL, seed=43)

    weights = (made[0] / "model.safetensors").read_bytes()
    assert (same / "model.safetensors").read_bytes() == weights
    assert (other / "model.safetensors").read_bytes() != weights


def test_progress_hears_of_the_loss_and_the_end(text: Path, tmp_path: Path) -> None:
    listener = Listener()

    pretrain(tmp_path / "tiny", text, size=SMALL, progress=listener)

    assert len(listener.losses) == 2
    assert listener.shares[-1] == 100


def test_a_stopped_training_leaves_nothing_behind(text: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        pretrain(tmp_path / "tiny", text, size=SMALL, progress=Listener(patience=3))

    assert list(tmp_path.iterdir()) == []


def test_a_strange_folder_is_not_taken_for_a_model(text: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()

    with pytest.raises(ModelError, match="'tiny' is there, but pretraining did not make it"):
        pretrain(tmp_path / "tiny", text, size=SMALL)


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no pretraining text 'poem\.txt'"):
        pretrain(tmp_path / "tiny", tmp_path / "poem.txt", size=SMALL)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("\n", encoding="utf-8")

    with pytest.raises(TrainingError, match=r"'poem\.txt' is empty"):
        pretrain(tmp_path / "tiny", tmp_path / "poem.txt", size=SMALL)


def test_the_template_trains_the_model_to_stop(tokenizer: Any) -> None:
    from trl.chat_template_utils import (
        has_generation_markers,
        is_chat_template_stop_token_trained,
    )

    assert has_generation_markers(tokenizer.chat_template)
    assert is_chat_template_stop_token_trained(tokenizer)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_every_role_is_rendered_and_only_answers_are_learned(tokenizer: Any) -> None:
    rendered = tokenizer.apply_chat_template(
        TALK, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )

    pairs = zip(rendered["input_ids"], rendered["assistant_masks"], strict=True)
    learned = tokenizer.decode([token for token, mask in pairs if mask])
    assert learned == "Hi there<|im_end|>Cold<|im_end|>"
    assert tokenizer.decode(rendered["input_ids"]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\nHi there<|im_end|>\n"
        "<|im_start|>user\n4 degrees<|im_end|>\n"
        "<|im_start|>assistant\nCold<|im_end|>\n"
    )


@pytest.mark.parametrize("words", ["Grüße, 冷蔵庫 ❄", " two  spaces\n\ttab "])
def test_any_text_survives_the_tokenizer(tokenizer: Any, words: str) -> None:
    assert tokenizer.decode(tokenizer(words)["input_ids"]) == words


def test_the_model_answers_from_the_folder(
    made: tuple[Path, PretrainReport], tokenizer: Any
) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(made[0])
    prompt = tokenizer.apply_chat_template(
        TALK[:2], add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    answer = model.generate(**prompt, max_new_tokens=3)

    assert answer.shape[1] <= prompt["input_ids"].shape[1] + 3
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert sum(weight.numel() for weight in model.parameters()) == made[1].parameters
