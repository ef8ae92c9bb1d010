from typing import Any

import pytest
from trl.chat_template_utils import (
    get_training_chat_template,
    is_chat_template_stop_token_trained,
)

from tests.tools.training.talkers import MARKERS, make_talker, seen
from tools.data.conversation import Conversation, Message, ToolCall
from tools.errors import ModelError
from tools.training.chat_templates import (
    TEMPLATES,
    TemplateName,
    fitting_templates,
    propose_template,
    template_names,
    use_template,
)
from tools.training.encode import encode
from tools.training.end_of_turn import may_end_a_turn
from tools.training.prove_masks import problem_of_row
from tools.training.render import prompt_text

ALWAYS = ("alpaca", "llama2", "plain", "zephyr")

PLAIN = Conversation(
    messages=(Message(role="user", content="Hi?"), Message(role="assistant", content="Ho.")), row=1
)
TURNS = Conversation(
    messages=(
        Message(role="system", content="Brief."),
        Message(role="user", content="A?"),
        Message(role="assistant", content="a"),
        Message(role="user", content="B?"),
        Message(role="assistant", content="b"),
    ),
    row=2,
)
THOUGHT = Conversation(
    messages=(
        Message(role="user", content="Hi?"),
        Message(role="assistant", content="Ho.", reasoning_content="Hm."),
    ),
    row=3,
)
CALL = Conversation(
    messages=(
        Message(role="user", content="Warm?"),
        Message(
            role="assistant",
            content="",
            tool_calls=(ToolCall(name="heat", arguments={"in": "°C"}, id="c1"),),
        ),
        Message(role="tool", content="21", tool_call_id="c1", name="heat"),
        Message(role="assistant", content="Yes."),
    ),
    tools=({"type": "function", "function": {"name": "heat"}},),
    row=4,
)

ALPACA = (
    "<s>Below is an instruction that describes a task. Write a response that appropriately "
    "completes the request.\n\n"
)
HEAT = '{"type": "function", "function": {"name": "heat"}}'
GOLDEN: dict[tuple[TemplateName, int], str] = {
    ("alpaca", 1): ALPACA + "### Instruction:\nHi?\n\n### Response:\n⟦Ho.</s>⟧",
    ("alpaca", 2): "<s>Brief.\n\n### Instruction:\nA?\n\n### Response:\n⟦a</s>⟧\n\n"
    "### Instruction:\nB?\n\n### Response:\n⟦b</s>⟧",
    ("alpaca", 3): ALPACA
    + "### Instruction:\nHi?\n\n### Response:\n⟦<think>\nHm.\n</think>\n\nHo.</s>⟧",
    ("chatml", 1): "<s><|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n⟦Ho.<|im_end|>⟧\n",
    ("chatml", 2): "<s><|im_start|>system\nBrief.<|im_end|>\n<|im_start|>user\nA?<|im_end|>\n"
    "<|im_start|>assistant\n⟦a<|im_end|>⟧\n<|im_start|>user\nB?<|im_end|>\n"
    "<|im_start|>assistant\n⟦b<|im_end|>⟧\n",
    ("chatml", 3): "<s><|im_start|>user\nHi?<|im_end|>\n"
    "<|im_start|>assistant\n⟦<think>\nHm.\n</think>\n\nHo.<|im_end|>⟧\n",
    ("gemma", 1): "<s><start_of_turn>user\nHi?<end_of_turn>\n"
    "<start_of_turn>model\n⟦Ho.<end_of_turn>⟧\n",
    ("gemma", 2): "<s><start_of_turn>user\nBrief.\n\nA?<end_of_turn>\n"
    "<start_of_turn>model\n⟦a<end_of_turn>⟧\n<start_of_turn>user\nB?<end_of_turn>\n"
    "<start_of_turn>model\n⟦b<end_of_turn>⟧\n",
    ("gemma", 3): "<s><start_of_turn>user\nHi?<end_of_turn>\n"
    "<start_of_turn>model\n⟦<think>\nHm.\n</think>\n\nHo.<end_of_turn>⟧\n",
    ("llama2", 1): "<s>[INST] Hi? [/INST]⟦ Ho. </s>⟧",
    ("llama2", 2): "<s>[INST] <<SYS>>\nBrief.\n<</SYS>>\n\nA? [/INST]⟦ a </s>⟧"
    "<s>[INST] B? [/INST]⟦ b </s>⟧",
    ("llama2", 3): "<s>[INST] Hi? [/INST]⟦ <think>\nHm.\n</think>\n\nHo. </s>⟧",
    ("llama3", 1): "<s><|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n⟦Ho.<|eot_id|>⟧",
    ("llama3", 2): "<s><|start_header_id|>system<|end_header_id|>\n\nBrief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nA?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n⟦a<|eot_id|>⟧"
    "<|start_header_id|>user<|end_header_id|>\n\nB?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n⟦b<|eot_id|>⟧",
    ("llama3", 3): "<s><|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
    "⟦<think>\nHm.\n</think>\n\nHo.<|eot_id|>⟧",
    ("llama3", 4): "<s><|start_header_id|>system<|end_header_id|>\n\n"
    "These functions can be called. To call one, answer with nothing but a JSON object that "
    f'holds its "name" and its "parameters".\n\n{HEAT}<|eot_id|>'
    "<|start_header_id|>user<|end_header_id|>\n\nWarm?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
    '⟦{"name": "heat", "parameters": {"in": "°C"}}<|eot_id|>⟧'
    "<|start_header_id|>ipython<|end_header_id|>\n\n21<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n⟦Yes.<|eot_id|>⟧",
    ("mistral", 1): "<s>[INST] Hi?[/INST]⟦ Ho.</s>⟧",
    ("mistral", 2): "<s>[INST] Brief.\n\nA?[/INST]⟦ a</s>⟧[INST] B?[/INST]⟦ b</s>⟧",
    ("mistral", 3): "<s>[INST] Hi?[/INST]⟦ <think>\nHm.\n</think>\n\nHo.</s>⟧",
    ("mistral", 4): f"<s>[AVAILABLE_TOOLS] [{HEAT}][/AVAILABLE_TOOLS][INST] Warm?[/INST]"
    '⟦[TOOL_CALLS] [{"name": "heat", "arguments": {"in": "°C"}, "id": "c1"}]</s>⟧'
    '[TOOL_RESULTS] {"content": "21", "call_id": "c1"}[/TOOL_RESULTS]⟦ Yes.</s>⟧',
    ("phi3", 1): "<s><|user|>\nHi?<|end|>\n<|assistant|>\n⟦Ho.<|end|>⟧\n",
    ("phi3", 2): "<s><|system|>\nBrief.<|end|>\n<|user|>\nA?<|end|>\n"
    "<|assistant|>\n⟦a<|end|>⟧\n<|user|>\nB?<|end|>\n<|assistant|>\n⟦b<|end|>⟧\n",
    ("phi3", 3): "<s><|user|>\nHi?<|end|>\n<|assistant|>\n⟦<think>\nHm.\n</think>\n\nHo.<|end|>⟧\n",
    ("phi4", 1): "<s><|im_start|>user<|im_sep|>Hi?<|im_end|>"
    "<|im_start|>assistant<|im_sep|>⟦Ho.<|im_end|>⟧",
    ("phi4", 2): "<s><|im_start|>system<|im_sep|>Brief.<|im_end|>"
    "<|im_start|>user<|im_sep|>A?<|im_end|><|im_start|>assistant<|im_sep|>⟦a<|im_end|>⟧"
    "<|im_start|>user<|im_sep|>B?<|im_end|><|im_start|>assistant<|im_sep|>⟦b<|im_end|>⟧",
    ("phi4", 3): "<s><|im_start|>user<|im_sep|>Hi?<|im_end|>"
    "<|im_start|>assistant<|im_sep|>⟦<think>\nHm.\n</think>\n\nHo.<|im_end|>⟧",
    ("plain", 1): "<s>Hi?\n⟦Ho.</s>⟧",
    ("plain", 2): "<s>Brief.\nA?\n⟦a</s>⟧\nB?\n⟦b</s>⟧",
    ("plain", 3): "<s>Hi?\n⟦<think>\nHm.\n</think>\n\nHo.</s>⟧",
    ("qwen", 1): "<s><|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n⟦Ho.<|im_end|>⟧\n",
    ("qwen", 2): "<s><|im_start|>system\nBrief.<|im_end|>\n<|im_start|>user\nA?<|im_end|>\n"
    "<|im_start|>assistant\n⟦a<|im_end|>⟧\n<|im_start|>user\nB?<|im_end|>\n"
    "<|im_start|>assistant\n⟦b<|im_end|>⟧\n",
    ("qwen", 3): "<s><|im_start|>user\nHi?<|im_end|>\n"
    "<|im_start|>assistant\n⟦<think>\nHm.\n</think>\n\nHo.<|im_end|>⟧\n",
    ("qwen", 4): "<s><|im_start|>system\nThe functions between <tools> and </tools> can be called:"
    f"\n<tools>\n{HEAT}\n</tools>\nTo call one, write a JSON object with its "
    '"name" and its "arguments" between <tool_call> and </tool_call>.<|im_end|>\n'
    "<|im_start|>user\nWarm?<|im_end|>\n<|im_start|>assistant\n"
    '⟦<tool_call>\n{"name": "heat", "arguments": {"in": "°C"}}\n</tool_call><|im_end|>⟧\n'
    "<|im_start|>user\n<tool_response>\n21\n</tool_response><|im_end|>\n"
    "<|im_start|>assistant\n⟦Yes.<|im_end|>⟧\n",
    ("zephyr", 1): "<s><|user|>\nHi?</s>\n<|assistant|>\n⟦Ho.</s>⟧\n",
    ("zephyr", 2): "<s><|system|>\nBrief.</s>\n<|user|>\nA?</s>\n"
    "<|assistant|>\n⟦a</s>⟧\n<|user|>\nB?</s>\n<|assistant|>\n⟦b</s>⟧\n",
    ("zephyr", 3): "<s><|user|>\nHi?</s>\n<|assistant|>\n⟦<think>\nHm.\n</think>\n\nHo.</s>⟧\n",
}
ROWS = {one.row: one for one in (PLAIN, TURNS, THOUGHT, CALL)}
NAMES = sorted(TEMPLATES)


def speaking(name: TemplateName, *, begins: bool = True) -> Any:
    talker = make_talker(*MARKERS, begins=begins)
    use_template(talker, name)
    return talker


@pytest.mark.parametrize(("name", "row"), sorted(GOLDEN))
def test_what_is_written_and_what_of_it_is_learned(name: TemplateName, row: int) -> None:
    talker = speaking(name)

    (encoded,) = encode([ROWS[row]], talker)

    assert seen(encoded, talker) == GOLDEN[name, row]
    assert problem_of_row(encoded, talker, may_end_a_turn(talker, None)) is None


@pytest.mark.parametrize(("name", "row"), sorted(GOLDEN))
def test_a_model_is_asked_what_stands_before_the_last_answer(name: TemplateName, row: int) -> None:
    talker = speaking(name)

    asked = prompt_text(ROWS[row], talker)

    assert asked == GOLDEN[name, row].rpartition("⟦")[0].replace("⟦", "").replace("⟧", "")


@pytest.mark.parametrize("name", NAMES)
def test_other_tools_find_the_answer_and_its_end_by_the_generation_markers(
    name: TemplateName,
) -> None:
    talker = speaking(name)

    assert is_chat_template_stop_token_trained(talker)
    assert get_training_chat_template(talker) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_text_begins_as_the_tokenizer_begins_its_texts(name: TemplateName) -> None:
    talker = speaking(name, begins=False)

    (encoded,) = encode([TURNS], talker)

    assert seen(encoded, talker) == GOLDEN[name, 2].replace("<s>", "")


@pytest.mark.parametrize("name", sorted(name for name, one in TEMPLATES.items() if not one.tools))
def test_a_template_without_a_place_for_tools_refuses_them_by_row(name: TemplateName) -> None:
    talker = speaking(name)

    with pytest.raises(ModelError, match=r"Row 4: .*no place for tool calls.*another chat_temp"):
        encode([CALL], talker)


def test_tools_are_rendered_by_every_template_that_claims_to() -> None:
    assert {name for name, one in TEMPLATES.items() if one.tools} == {
        name for name, row in GOLDEN if row == 4
    }


@pytest.mark.parametrize("name", [name for name in NAMES if TEMPLATES[name].end])
def test_a_template_whose_markers_are_no_tokens_is_refused_with_those_that_fit(
    name: TemplateName,
) -> None:
    talker = make_talker()

    with pytest.raises(ModelError) as refusal:
        use_template(talker, name)

    assert f"{name!r} does not fit this model: {TEMPLATES[name].markers[0]}" in str(refusal.value)
    assert str(refusal.value).endswith("Of the templates, alpaca, llama2, plain, zephyr fit it.")
    assert talker.chat_template is None


def test_templates_without_markers_of_their_own_fit_always() -> None:
    assert fitting_templates(make_talker()) == ALWAYS
    assert fitting_templates(make_talker(*MARKERS)) == tuple(NAMES)


def test_the_token_that_ends_an_answer_becomes_the_end_of_sequence() -> None:
    assert [speaking(name).eos_token for name in ("chatml", "gemma", "alpaca")] == [
        "<|im_end|>",
        "<end_of_turn>",
        "</s>",
    ]


@pytest.mark.parametrize(
    ("markers", "model_type", "name"),
    [
        (("<|im_start|>", "<|im_end|>"), "qwen3", "qwen"),
        (("<|im_start|>", "<|im_end|>"), "llama", "chatml"),
        (("<|im_start|>", "<|im_end|>", "<|im_sep|>"), "phi3", "phi4"),
        (TEMPLATES["phi3"].markers, "phi3", "phi3"),
        (TEMPLATES["llama3"].markers, "llama", "llama3"),
        (TEMPLATES["gemma"].markers, "gemma2", "gemma"),
        (TEMPLATES["mistral"].markers, "mistral", "mistral"),
        ((), "mistral", "zephyr"),
        ((), "llama", "llama2"),
        ((), "gpt_neox", "alpaca"),
    ],
)
def test_a_base_model_is_proposed_the_template_of_its_family(
    markers: tuple[str, ...], model_type: str, name: TemplateName
) -> None:
    assert propose_template(make_talker(*markers), model_type) == name


def test_the_tokenizer_s_own_template_comes_first() -> None:
    talker = make_talker(*MARKERS)
    talker.chat_template = "{{ messages }}"

    assert propose_template(talker, "qwen3") == "own"
    use_template(talker, "own")
    assert (talker.chat_template, talker.eos_token) == ("{{ messages }}", "</s>")


def test_every_name_of_a_recipe_is_a_template() -> None:
    assert set(template_names()) == {"own", *TEMPLATES}
