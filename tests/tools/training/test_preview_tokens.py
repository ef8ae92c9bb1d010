import json
from pathlib import Path
from typing import Any

import pytest

from tests.colours import chat, colour_chats
from tests.tools.training.talkers import MARKERS, make_talker
from tools.data.conversation import Conversation, Message
from tools.hub.resolve_model import ModelSource, resolve_model
from tools.training.load_model import load_tokenizer
from tools.training.preview_tokens import PreviewToken, RowPreview, preview_tokens
from tools.training.token_text import TokenTexts
from tools.workspace import Workspace

SIMPLE = (
    "{{ bos_token }}{% for m in messages %}{{ m.role[0] + ':' + m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)


@pytest.fixture
def base(source: ModelSource, tmp_path: Path) -> ModelSource:
    """The tiny model with a tokenizer of single bytes, which begins its texts with <s>."""
    return with_template(source, tmp_path / "base", SIMPLE)


def with_template(source: ModelSource, folder: Path, template: str | None) -> ModelSource:
    talker = make_talker(*MARKERS, begins=True)
    talker.chat_template = template
    talker.save_pretrained(folder)
    # No weights: the preview has no need of them.
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return source.model_copy(update={"folder": folder})


def row(question: str, answer: str, **settings: Any) -> Conversation:
    messages = (
        Message(role="user", content=question),
        Message(role="assistant", content=answer, **settings),
    )
    return Conversation(messages=messages, row=1)


def preview(source: ModelSource, *rows: Conversation, **settings: Any) -> tuple[RowPreview, ...]:
    return preview_tokens(source, rows, **{"max_length": 64, **settings}).rows


def test_every_token_says_what_it_is_and_whether_it_is_learned(base: ModelSource) -> None:
    talker = make_talker(*MARKERS, begins=True)
    shown = [
        ("<s>", False),
        *((letter, False) for letter in "u:?a:"),
        ("b", True),
        ("</s>", True),
    ]

    (only,) = preview(base, row("?", "b", weight=0.5))

    assert only == RowPreview(
        row=1,
        verdict="trained",
        tokens=tuple(
            PreviewToken(
                text=text,
                id=talker.convert_tokens_to_ids(text),
                in_loss=learned,
                weight=0.5 if learned else 0,
                special=text in ("<s>", "</s>"),
                cut=False,
            )
            for text, learned in shown
        ),
        length=8,
        tokens_in_loss=2,
        stop_token="</s>",
        stop_trained=True,
        prefix_preserving=True,
    )


def test_a_row_that_is_cut_shows_where(base: ModelSource) -> None:
    (only,) = preview(base, row("?", "bcdef"), max_length=8, long_rows="cut")

    assert (only.verdict, only.cut_at, only.length, only.tokens_in_loss) == ("trained", 8, 12, 2)
    assert [token.text for token in only.tokens if token.cut] == ["d", "e", "f", "</s>"]
    assert (only.stop_token, only.stop_trained) == (None, False)


@pytest.mark.parametrize(
    ("long_rows", "max_length", "verdict", "reason"),
    [
        ("leave_out", 8, "left_out", "Row 1 has 12 tokens, and max_length is 8. Raise"),
        ("refuse", 8, "refused", "Row 1 has 12 tokens, and max_length is 8. Raise"),
        ("cut", 6, "refused", "Row 1 would be cut before its answer begins, at token 7 of 12"),
    ],
)
def test_a_row_that_is_too_long_is_told_from_one_that_is_trained(
    base: ModelSource, long_rows: str, max_length: int, verdict: str, reason: str
) -> None:
    (only,) = preview(base, row("?", "bcdef"), max_length=max_length, long_rows=long_rows)

    assert (only.verdict, only.reason[: len(reason)]) == (verdict, reason)


def test_one_row_that_is_refused_does_not_hide_the_others(base: ModelSource) -> None:
    rows = preview(base, row("?", "b").model_copy(update={"label": False}), row("?", "b"))

    assert [one.verdict for one in rows] == ["refused", "trained"]
    assert rows[0].reason.startswith("Row 1 is marked as a bad answer")
    assert rows[0].tokens == ()


def test_doubled_beginnings_and_ends_are_seen(base: ModelSource) -> None:
    (ended,) = preview(base, row("?", "b</s>"))
    (begun,) = preview_tokens(base, "<s>Once", max_length=64).rows

    assert (ended.verdict, ended.eos_doubled, ended.bos_doubled) == ("refused", True, False)
    assert (begun.verdict, begun.eos_doubled, begun.bos_doubled) == ("refused", False, True)


def test_a_stop_token_that_is_not_trained_is_seen(source: ModelSource, tmp_path: Path) -> None:
    endless = with_template(source, tmp_path / "endless", SIMPLE.replace("{{ eos_token }}", ""))

    (only,) = preview(endless, row("?", "b"))

    assert (only.verdict, only.stop_trained) == ("refused", False)
    assert "would never learn to stop. Choose another chat_template" in only.reason


def test_a_template_that_is_asked_otherwise_is_seen(source: ModelSource, tmp_path: Path) -> None:
    eager = SIMPLE.replace("a:{% endif", "a:<think>{% endif")

    (only,) = preview(with_template(source, tmp_path / "eager", eager), row("?", "b"))

    assert (only.verdict, only.prefix_preserving) == ("refused", False)


def test_another_template_can_be_looked_at(base: ModelSource) -> None:
    shown = preview_tokens(base, [row("?", "b")], max_length=64, chat_template="gemma")

    assert shown.chat_template == "gemma"
    assert shown.rows[0].stop_token == "<end_of_turn>"
    assert "chatml" in shown.templates


def test_a_model_without_a_template_is_shown_the_plain_one(
    source: ModelSource, tmp_path: Path
) -> None:
    bare = with_template(source, tmp_path / "bare", None)

    shown = preview_tokens(bare, [row("?", "b")], max_length=64)

    assert (shown.chat_template, shown.repaired) == ("plain", False)
    assert "".join(token.text for token in shown.rows[0].tokens) == "<s>?\nb</s>"


def test_a_template_that_was_repaired_says_so(source: ModelSource, tmp_path: Path) -> None:
    from trl.chat_template_utils import qwen3_chat_template

    published = with_template(source, tmp_path / "qwen", qwen3_chat_template)

    assert preview_tokens(published, [row("?", "b")], max_length=64).repaired


def test_twenty_rows_are_shown_and_no_more_are_read(base: ModelSource) -> None:
    rows = iter(colour_chats(30))

    shown = preview_tokens(base, rows, max_length=64)

    assert [one.row for one in shown.rows] == list(range(1, 21))
    assert next(rows).row == 21


def test_a_character_of_several_tokens_is_the_text_of_the_last(base: ModelSource) -> None:
    shown = preview_tokens(base, "é?", max_length=64)

    assert [one.text for one in shown.rows[0].tokens] == ["<s>", "", "é", "?", "</s>"]


def test_bytes_that_make_no_character_are_written_and_can_be_sent(base: ModelSource) -> None:
    texts = TokenTexts(load_tokenizer(base))
    first, second = (one.id for one in preview_tokens(base, "é", max_length=64).rows[0].tokens[1:3])

    assert texts.of_row([first, first, second, first]) == ["", "\\xc3", "é", "\\xc3"]
    assert json.loads(json.dumps(texts.of(second))) == "\\xa9"


def test_tokens_of_sentencepiece_are_shown_with_their_spaces_and_bytes() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "\u2581red": 1, "<0xC3>": 2, "<0x41>": 3}
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>")),
        unk_token="<unk>",
    )
    texts = TokenTexts(tokenizer)

    assert [texts.of(token) for token in range(4)] == ["<unk>", " red", "\\xc3", "A"]


def test_a_preview_loads_no_weights(workspace: Workspace, tiny_model: Path) -> None:
    source = resolve_model(str(tiny_model), workspace=workspace)

    shown = preview_tokens(source, [chat("Say red.", "red")], max_length=128)

    assert "".join(token.text for token in shown.rows[0].tokens).endswith("red<|im_end|>\n")
    assert shown.rows[0].verdict == "trained"
