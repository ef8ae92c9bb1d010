"""Which rows become which tokens, apart from the chat templates."""

from typing import Any

import pytest

from tests.tools.training.talkers import MARKERS, make_talker, seen
from tools.data.conversation import Conversation, Message, Segment, Step, ToolCall
from tools.errors import DatasetError, TrainingError
from tools.training.chat_templates import use_template
from tools.training.encode import EncodedRow, encode
from tools.training.prove_masks import prove_masks
from tools.training.render import shown_messages

THINKING = Message(role="assistant", content="Ho.", reasoning_content="Hm.")
INLINE = Message(role="assistant", content="<think>\nHm.\n</think>\n\nHo.")


def row(*messages: Message, **settings: Any) -> Conversation:
    return Conversation(messages=(ask("Hi?"), *messages), row=5, **settings)


def ask(text: str) -> Message:
    return Message(role="user", content=text)


def say(text: str, **settings: Any) -> Message:
    return Message(role="assistant", content=text, **settings)


@pytest.fixture
def talker() -> Any:
    tokenizer = make_talker(*MARKERS, begins=True)
    use_template(tokenizer, "qwen")
    return tokenizer


def learned(conversation: Conversation, tokenizer: Any, **settings: Any) -> str:
    (encoded,) = encode([conversation], tokenizer, **settings)
    return seen(encoded, tokenizer)


@pytest.mark.parametrize("name", ["qwen", "chatml", "alpaca"])
def test_thoughts_in_their_field_and_in_the_answer_are_the_same(name: Any, talker: Any) -> None:
    use_template(talker, name)

    assert learned(row(THINKING), talker) == learned(row(INLINE), talker)


def test_dropped_thoughts_leave_the_answer_alone(talker: Any) -> None:
    for message in (THINKING, INLINE):
        assert learned(row(message), talker, thoughts="drop") == learned(row(say("Ho.")), talker)


def test_thoughts_of_an_earlier_turn_are_what_the_template_makes_of_them(talker: Any) -> None:
    conversation = row(THINKING, ask("B?"), say("b", reasoning_content="Oh."))

    (forgetful,) = encode([conversation], talker)
    use_template(talker, "chatml")
    (keeping,) = encode([conversation], talker)

    assert seen(forgetful, talker).endswith(
        "assistant\nHo.<|im_end|>\n<|im_start|>user\nB?<|im_end|>\n"
        "<|im_start|>assistant\n⟦<think>\nOh.\n</think>\n\nb<|im_end|>⟧\n"
    )
    assert (forgetful.fault, forgetful.answers_rewritten) == (None, 1)
    assert seen(keeping, talker).count("⟦<think>") == 2


def test_a_closing_tag_in_the_midst_of_an_answer_is_part_of_it(talker: Any) -> None:
    answer = "Close it with </think> there."

    assert f"⟦{answer}<|im_end|>⟧" in learned(row(say(answer)), talker)


def test_messages_have_the_shape_that_templates_expect_and_nothing_empty() -> None:
    call = ToolCall(name="heat", arguments={"to": 21}, id="c1")
    messages = [
        say("", tool_calls=(call,), weight=0.5),
        Message(role="tool", content="21", tool_call_id="c1", name="heat"),
        THINKING,
    ]

    assert shown_messages(messages, "{{ message.reasoning_content }}") == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "type": "function",
                    "function": {"name": "heat", "arguments": {"to": 21}},
                    "id": "c1",
                }
            ],
        },
        {"role": "tool", "content": "21", "tool_call_id": "c1", "name": "heat"},
        {"role": "assistant", "content": "Ho.", "reasoning_content": "Hm."},
    ]


def test_segments_are_put_together_and_nothing_is_put_around_them(talker: Any) -> None:
    segments = (
        Segment(text="<s>Q: 1+1\n", label=False),
        Segment(text="A: 2</s>", label=True),
        Segment(text="\nQ: ?", label=False),
    )
    conversation = Conversation(segments=segments, row=1)

    assert learned(conversation, talker) == "<s>Q: 1+1\n⟦A: 2</s>⟧\nQ: ?"


def test_plain_text_begins_and_ends_as_the_tokenizer_s_texts_do() -> None:
    text = Conversation(messages=(say("Once"),), row=1)

    assert learned(text, make_talker(begins=True)) == "<s>⟦Once</s>⟧"
    assert learned(text, make_talker()) == "⟦Once</s>⟧"


def test_an_answer_of_weight_0_is_read_and_not_learned(talker: Any) -> None:
    conversation = row(say("a", weight=0), ask("B?"), say("b"))

    (encoded,) = encode([conversation], talker)

    assert seen(encoded, talker).count("⟦") == 1
    assert seen(encoded, talker).endswith("assistant\n⟦b<|im_end|>⟧\n")
    assert encoded.weights is None


def test_what_becomes_of_an_answer_that_is_not_learned_does_not_matter(talker: Any) -> None:
    unlearned = THINKING.model_copy(update={"weight": 0})

    (encoded,) = encode([row(unlearned, ask("B?"), say("b"))], talker)

    assert encoded.answers_rewritten == 0


def test_the_tokens_of_an_answer_have_its_weight(talker: Any) -> None:
    conversation = row(say("a", weight=2), ask("B?"), say("b", weight=0.5))

    (encoded,) = encode([conversation], talker)

    assert encoded.weights is not None
    assert [weight for weight in encoded.weights if weight] == [2, 2, 0.5, 0.5]
    assert [label >= 0 for label in encoded.labels] == [weight > 0 for weight in encoded.weights]


@pytest.mark.parametrize(
    ("conversation", "refusal"),
    [
        (row(say("a"), label=False), "Row 5 is marked as a bad answer"),
        (row(steps=(Step(text="1", label=True),)), "Row 5 holds steps that are marked"),
        (row(), "Row 5 does not end with an answer"),
        (row(chosen=(say("a"),), rejected=(say("b"),)), "Row 5 is a preference pair"),
        (row(say("a"), ask("B?")), "Row 5 does not end with an answer"),
    ],
)
def test_a_row_without_an_answer_to_learn_is_refused_by_its_number(
    conversation: Conversation, refusal: str, talker: Any
) -> None:
    with pytest.raises(DatasetError, match=refusal):
        encode([conversation], talker)


def test_a_good_answer_of_unpaired_preference_is_learned(talker: Any) -> None:
    assert learned(row(say("a"), label=True), talker) == learned(row(say("a")), talker)


CALLING = say("Let me see.", tool_calls=(ToolCall(name="heat", arguments={}),))
SIMPLE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# What is wrong with each is what the proof has to find.
DEAF = SIMPLE.replace("{{", "{% if m.role != 'tool' %}{{", 1).replace("}}", "}}{% endif %}", 1)
THOUGHTLESS = SIMPLE.replace("m.content +", "m.content.split('</think>')[-1] +")
EAGER = SIMPLE.replace("assistant\n' }}{% endif", "assistant\n<think>\n' }}{% endif")


@pytest.mark.parametrize(
    ("template", "conversation", "problem"),
    [
        (SIMPLE, row(CALLING), "leaves out the call of a tool"),
        (SIMPLE, row(say("a"), tools=({"function": {"name": "heat"}},)), "leaves out the tools"),
        (DEAF, row(CALLING, Message(role="tool", content="21"), say("a")), "leaves out a turn"),
        (THOUGHTLESS, row(THINKING), "leaves out what the answer thinks first"),
        (EAGER, row(say("a")), "writes something else before the answer"),
    ],
)
def test_a_template_that_would_teach_something_else_is_refused_with_the_row(
    template: str, conversation: Conversation, problem: str, talker: Any
) -> None:
    talker.chat_template = template

    with pytest.raises(TrainingError) as refusal:
        prove_masks(encode([conversation], talker), talker, max_length=512)

    assert str(refusal.value).startswith("Row 5: the chat template ")
    assert problem in str(refusal.value)
    assert "chatml, gemma," in str(refusal.value)


def test_a_row_of_nothing_but_the_end_of_an_answer_is_refused(talker: Any) -> None:
    conversation = row(say("<think>\nHm.\n</think>\n\n"))

    with pytest.raises(TrainingError, match="Row 5 has no token in the loss"):
        prove_masks(encode([conversation], talker, thoughts="drop"), talker, max_length=512)


def test_a_text_that_begins_twice_is_refused() -> None:
    talker = make_talker(begins=True)
    text = Conversation(messages=(say("<s>Once"),), row=7)

    with pytest.raises(TrainingError, match=r"Row 7 begins twice with <s>\. Remove it"):
        prove_masks(encode([text], talker), talker, max_length=512)


@pytest.mark.parametrize("name", ["own", "qwen", "alpaca"])
def test_an_answer_that_ends_twice_is_refused(name: Any, talker: Any) -> None:
    use_template(talker, name)

    with pytest.raises(TrainingError, match=r"Row 5: an answer ends twice\. Remove"):
        prove_masks(encode([row(say(f"Ho.{talker.eos_token}"))], talker), talker, max_length=512)


@pytest.fixture
def long_rows(talker: Any) -> list[EncodedRow]:
    """A short row, and two of more than 60 tokens: an answer begins late, and one early."""
    texts = [("a", "b"), ("q" * 50, "b" * 3), ("q", "b" * 63)]
    rows = [
        Conversation(messages=(ask(question), say(answer)), row=number)
        for number, (question, answer) in enumerate(texts, start=1)
    ]
    return encode(rows, talker)


def test_long_rows_can_be_cut_and_are_counted(long_rows: list[EncodedRow], talker: Any) -> None:
    rows = [long_rows[0], long_rows[2]]

    proof = prove_masks(rows, talker, max_length=60, long_rows="cut")

    assert (proof.rows, proof.rows_too_long) == (2, 0)
    assert (proof.rows_cut, proof.rows_cut_in_answer, proof.longest_tokens) == (1, 1, 60)


def test_a_row_that_would_be_cut_before_its_answer_is_refused(
    long_rows: list[EncodedRow], talker: Any
) -> None:
    tokens = len(long_rows[1].input_ids)

    with pytest.raises(TrainingError) as refusal:
        prove_masks(long_rows, talker, max_length=60, long_rows="cut")

    assert str(refusal.value) == (
        f"Row 2 would be cut before its answer begins, at token 71 of {tokens}; max_length is 60. "
        "Raise max_length above 70, or set long_rows to leave_out."
    )


def test_the_first_long_row_can_be_refused(long_rows: list[EncodedRow], talker: Any) -> None:
    tokens = len(long_rows[1].input_ids)

    with pytest.raises(TrainingError, match=f"Row 2 has {tokens} tokens, and max_length is 60"):
        prove_masks(long_rows, talker, max_length=60, long_rows="refuse")


def test_rows_that_are_all_cut_in_their_answers_never_teach_to_stop(
    long_rows: list[EncodedRow], talker: Any
) -> None:
    with pytest.raises(TrainingError, match=r"would never learn to stop\. Raise max_length"):
        prove_masks(long_rows[2:], talker, max_length=60, long_rows="cut")
