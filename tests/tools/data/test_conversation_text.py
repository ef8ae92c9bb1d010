from tools.data.conversation import Conversation, Message, Segment, Step, ToolCall
from tools.data.conversation_text import texts_of, with_texts

EVERYTHING = Conversation(
    messages=(
        Message(role="user", content="a"),
        Message(
            role="assistant",
            content="b",
            reasoning_content="c",
            tool_calls=(ToolCall(name="find", arguments={"at": ["d", {"x": "e"}], "n": 1}),),
        ),
    ),
    chosen=(Message(role="assistant", content="f"),),
    rejected=(Message(role="assistant", content="g"),),
    segments=(Segment(text="h", label=True),),
    steps=(Step(text="i", label=False),),
    tools=({"name": "j"},),
    extra={"answer": "k"},
    row=1,
)


def test_every_text_of_a_row_is_found() -> None:
    found = list(texts_of(EVERYTHING))

    assert "".join(text for _, text in found) == "abcdefghijk"
    assert [field for field, _ in found] == [
        *["messages"] * 5,
        *["chosen", "rejected", "segments", "steps", "tools", "extra"],
    ]


def test_every_text_of_a_row_is_changed_and_nothing_else() -> None:
    changed = with_texts(EVERYTHING, str.upper)

    assert "".join(text for _, text in texts_of(changed)) == "ABCDEFGHIJK"
    assert with_texts(changed, str.lower) == EVERYTHING


def test_a_row_that_does_not_change_is_the_same_object() -> None:
    assert with_texts(EVERYTHING, str.lower) is EVERYTHING
