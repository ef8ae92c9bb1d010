from pathlib import Path

import pytest

from tests.colours import chat
from tests.listener import Listener
from tests.tools.evaluation.speakers import WORDS, make_model, make_tokenizer, with_adapters
from tools.data.conversation import Conversation, Message, write_version
from tools.errors import EvaluationError
from tools.evaluation.evaluate_adapter import (
    AnswerReport,
    answer_rows,
    compare_answers,
    read_answers,
)
from tools.training.load_model import LoadedModel

LONG = chat(" ".join(WORDS), "apple", 4)
CHATS = [chat("the red", "apple"), chat("the sky", "blue", 2), chat("the grass", "green", 3), LONG]


@pytest.fixture
def base() -> LoadedModel:
    return LoadedModel(make_model(), make_tokenizer())


@pytest.fixture
def adapters(tmp_path: Path) -> dict[str, Path]:
    with_adapters(make_model(), "tuned", "champion").save_pretrained(tmp_path / "adapters")
    return {name: tmp_path / "adapters" / name for name in ("tuned", "champion")}


@pytest.fixture
def heldout(tmp_path: Path) -> Path:
    return write_version(tmp_path, "colours-heldout", CHATS)


def test_every_candidate_answers_every_row_that_fits(
    base: LoadedModel, adapters: dict[str, Path], heldout: Path, tmp_path: Path
) -> None:
    report = answer_rows(base, adapters, heldout=heldout, folder=tmp_path, max_positions=12)

    rows = read_answers(tmp_path)
    assert report == AnswerReport(
        rows=3,
        rows_too_long=1,
        candidates=("base", "tuned", "champion"),
        primary_metric="exact_match",
        stopped=report.stopped,
    )
    assert [row.row for row in rows] == [1, 2, 3]
    assert all(set(row.answers) == set(row.losses) == set(report.candidates) for row in rows)
    assert len({tuple(row.losses[name] for row in rows) for name in report.candidates}) == 3


def test_the_tuned_model_is_compared_with_base_and_champion(
    base: LoadedModel, adapters: dict[str, Path], heldout: Path, tmp_path: Path
) -> None:
    answer_rows(base, adapters, heldout=heldout, folder=tmp_path, max_positions=None)

    compared = compare_answers(tmp_path, "rouge_l")

    assert [one.metric for one in compared.against_base] == ["exact_match", "rouge_l", "loss"]
    assert compared.reading is not None
    assert compared.against_champion is not None
    assert (compared.against_champion.metric, compared.against_champion.rows) == ("rouge_l", 4)


def test_without_a_champion_there_is_nothing_to_compare_with_it(
    base: LoadedModel, adapters: dict[str, Path], heldout: Path, tmp_path: Path
) -> None:
    tuned = {"tuned": adapters["tuned"]}
    answer_rows(base, tuned, heldout=heldout, folder=tmp_path, max_positions=None)

    assert compare_answers(tmp_path, "exact_match").against_champion is None


def test_what_was_left_out_or_cut_is_told(
    base: LoadedModel, adapters: dict[str, Path], heldout: Path, tmp_path: Path
) -> None:
    listener, tuned = Listener(), {"tuned": adapters["tuned"]}

    report = answer_rows(
        base, tuned, heldout=heldout, folder=tmp_path, max_positions=12, progress=listener
    )

    # Neither was taught to end: they write until they are cut.
    assert report.stopped == {"base": 0.0, "tuned": 0.0}
    assert listener.logs == [
        "1 of 4 held-out rows is too long, and left out.",
        "Only 0 % of the answers of the base ended by themselves. The others were cut, and are "
        "scored as they were then.",
        "Only 0 % of the answers of the tuned model ended by themselves. The others were cut, and "
        "are scored as they were then.",
        "Measuring the loss on them.",
    ]


def test_of_plain_text_there_is_nothing_that_could_stop(
    base: LoadedModel, adapters: dict[str, Path], tmp_path: Path
) -> None:
    texts = [
        Conversation(messages=(Message(role="assistant", content=word),), row=row)
        for row, word in enumerate(("the sky", "is blue"), 1)
    ]
    heldout = write_version(tmp_path, "texts-heldout", texts)

    report = answer_rows(base, adapters, heldout=heldout, folder=tmp_path, max_positions=None)

    assert (report.primary_metric, report.rows, report.stopped) == ("loss", 2, {})


def test_rows_that_are_all_too_long_are_refused(
    base: LoadedModel, adapters: dict[str, Path], heldout: Path, tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match="All 4 held-out rows are longer than the model's 3"):
        answer_rows(base, adapters, heldout=heldout, folder=tmp_path, max_positions=3)


def test_a_run_without_answers_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="have not been answered"):
        read_answers(tmp_path)
