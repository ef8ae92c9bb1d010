from pathlib import Path

import pytest

from tests.colours import chat, colour_chats
from tests.listener import Listener
from tests.tools.training.preferences import pairs
from tools.data.conversation import Conversation, Message, write_version
from tools.hub.resolve_model import ModelSource
from tools.training.end_of_turn import generation_stops
from tools.training.load_model import LoadedModel
from tools.training.recipe import Recipe
from tools.training.tell_samples import sampler
from tools.training.train import train
from tools.training.write_answers import AnswerWriter


def tell(
    rows: list[Conversation], loaded: LoadedModel, source: ModelSource, folder: Path
) -> list[tuple[str, str]]:
    listener = Listener()
    stops = generation_stops(source.folder)
    writer = AnswerWriter(loaded, eos=stops, most_tokens=4, temperature=1.0)
    path = write_version(folder, "held-out", rows)
    sampler(path, loaded.tokenizer, writer, listener, at_once=512)()
    return listener.samples


def test_the_first_five_questions_are_answered(
    loaded: LoadedModel, source: ModelSource, tmp_path: Path
) -> None:
    rows = colour_chats(8)

    told = tell(rows, loaded, source, tmp_path)

    assert [asked for asked, _ in told] == [row.messages[0].content for row in rows[:5]]


def test_an_answer_that_does_not_end_is_told_as_such(
    loaded: LoadedModel, source: ModelSource, tmp_path: Path
) -> None:
    told = tell([chat("Say red.", "red")], loaded, source, tmp_path)

    assert told[0][1].endswith(" ...")


def test_of_a_pair_the_question_is_asked(
    loaded: LoadedModel, source: ModelSource, tmp_path: Path
) -> None:
    told = tell(pairs(2), loaded, source, tmp_path)

    assert [asked for asked, _ in told] == [one.messages[0].content for one in pairs(2)]


def test_plain_text_has_no_questions(
    loaded: LoadedModel, source: ModelSource, tmp_path: Path
) -> None:
    text = Conversation(messages=(Message(role="assistant", content="Once."),), row=1)

    assert tell([text], loaded, source, tmp_path) == []


@pytest.mark.slow
def test_a_training_tells_samples_at_each_look_and_learns_the_same(
    source: ModelSource, colours: tuple[Path, Path], tmp_path: Path
) -> None:
    listener = Listener()
    recipe = Recipe(
        model_name_or_path=source.name, r=4, learning_rate=5e-3, num_train_epochs=4, max_length=128
    )

    train(recipe, source, colours, tmp_path, progress=listener)

    assert len(listener.samples) == 9 * 5
    assert listener.samples[-5:] != listener.samples[:5]
