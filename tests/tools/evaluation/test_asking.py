"""What a model is really given when it is asked."""

from typing import Any

import pytest
from trl.chat_template_utils import qwen3_chat_template

from tests.colours import chat
from tools.evaluation.answer import answer_heldout
from tools.hub.resolve_model import resolve_model
from tools.training.encode import encode
from tools.training.load_model import load_model
from tools.workspace import Workspace


@pytest.mark.parametrize("answer", ["red", "<think>\nEasy.\n</think>\n\nred"])
def test_a_model_that_could_think_first_is_asked_as_the_tuned_one_was_taught(
    tiny_model: Any, workspace: Workspace, answer: str
) -> None:
    loaded = load_model(resolve_model(str(tiny_model), workspace=workspace))
    loaded.tokenizer.chat_template = qwen3_chat_template
    given: list[list[int]] = []

    def listen(_: Any, __: Any, named: dict[str, Any]) -> None:
        given.extend(named["input_ids"].tolist())

    loaded.model.register_forward_pre_hook(listen, with_kwargs=True)
    row = chat("Say red.", answer)
    answer_heldout(loaded.model, loaded.tokenizer, conversations=[row], candidates={"base": None})

    (taught,) = encode([row], loaded.tokenizer)
    first = next(place for place, label in enumerate(taught.labels) if label >= 0)
    assert given[0] == taught.input_ids[:first]
