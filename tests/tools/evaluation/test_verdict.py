import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from tools.evaluation.compare import Comparison
from tools.evaluation.gate import GateCheck, GateDecision
from tools.evaluation.verdict import (
    DatasetSummary,
    ReceiptSummary,
    Sample,
    TrackingSummary,
    Verdict,
    verdict_schema,
    write_verdict,
)
from tools.training.loss_point import LossPoint

PARTS: list[type[BaseModel]] = [
    Verdict,
    DatasetSummary,
    Comparison,
    GateDecision,
    GateCheck,
    TrackingSummary,
    ReceiptSummary,
    LossPoint,
    Sample,
]
DOCUMENT = (Path(__file__).parents[3] / "docs" / "verdict.md").read_text(encoding="utf-8")


def test_what_is_written_is_what_is_read(verdict: Verdict, tmp_path: Path) -> None:
    path = write_verdict(verdict, tmp_path)

    assert path == tmp_path / "verdict.json"
    assert Verdict.model_validate_json(path.read_text(encoding="utf-8")) == verdict


def test_a_program_finds_what_it_needs(verdict: Verdict, tmp_path: Path) -> None:
    content = json.loads(write_verdict(verdict, tmp_path).read_text(encoding="utf-8"))

    assert content["schema_version"] == 1
    assert (content["verdict"], content["promoted"]) == ("better", True)
    assert [one["better"] for one in content["comparisons"]] == [True, True, True]
    assert content["gate"]["checks"][0] == {
        "name": "prompts",
        "passed": True,
        "reason": "40 held-out rows were compared.",
    }


def test_nothing_is_remarked_when_nothing_was_cut_or_left_out(verdict: Verdict) -> None:
    assert verdict.remarks == ()


def test_cut_answers_and_rows_left_out_are_remarked(verdict: Verdict) -> None:
    data = verdict.dataset.model_copy(
        update={"rows_train_too_long": 80, "rows_heldout_too_long": 1}
    )
    cut = verdict.model_copy(update={"dataset": data, "stopped": {"base": 0.899, "tuned": 0.9}})

    assert cut.remarks == (
        "Only 89 % of the answers of the base ended by themselves. The others were cut, and are "
        "scored as they were then.",
        "80 of 400 training rows are too long, and left out.",
        "1 of 41 held-out rows is too long, and left out.",
    )


def test_a_loss_that_is_not_a_number_is_no_verdict() -> None:
    with pytest.raises(ValidationError):
        LossPoint(step=1, loss=float("nan"), eval_loss=None)


def test_the_schema_names_every_part() -> None:
    schema = verdict_schema()

    assert set(schema["$defs"]) == {part.__name__ for part in PARTS[1:]}
    assert set(schema["required"]) >= {"verdict", "gate", "comparisons"}
    assert "better" in schema["$defs"]["Comparison"]["properties"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_document_lists_exactly_the_fields_there_are(part: type[BaseModel]) -> None:
    section = DOCUMENT.split(f"\n## {part.__name__}\n")[1].split("\n## ")[0]

    documented = re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE)

    assert documented == [*part.model_fields, *part.model_computed_fields]
