import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.answers import DataDecision
from agents.data_manager import judge_data
from agents.desk import Desk, ToolFault
from tests.agents.on_desk import logs, receipt_of, told
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.listener import Listener
from tools.data.conversation import read_conversations
from tools.data.import_dataset import ImportReport, import_dataset
from tools.data.split_dataset import SplitReport
from tools.progress import Cancelled

LayDesk = Callable[..., Desk]
NOT_FIT = '{"verdict": "not fit", "reasons": "It is about colours."}'
SAYS_FIT = '{"verdict": "fit", "train": "a", "validation": "b", "heldout": "c", "reasons": "Yes."}'


def test_the_rules_repair_the_data_and_split_it(empty_desk: LayDesk) -> None:
    desk = empty_desk()

    decision = judge_data(desk)

    assert decision.verdict == "fit after repairs"
    assert "4 exact repeats removed" in decision.reasons
    parts = (decision.train, decision.validation, decision.heldout)
    workspace = desk.studio.workspace
    rows = [list(read_conversations(workspace.dataset(name))) for name in parts]
    assert sum(map(len, rows)) == 161
    asked = [one.prompt[0].content for part in rows for one in part]
    assert "Write to [EMAIL]." in asked
    assert not any("@" in question for question in asked)


def test_the_receipt_tells_every_call_and_no_path(empty_desk: LayDesk) -> None:
    desk = empty_desk()

    decision = judge_data(desk)

    receipt = receipt_of(desk)
    assert (receipt.agent, receipt.model, receipt.fell_back) == ("Data Manager", "rules", None)
    assert [one.tool for one in receipt.tool_calls] == [
        "import_user_dataset",
        "audit_dataset",
        "repair_dataset",
        "split_for_training",
    ]
    assert receipt.answer == decision.model_dump(mode="json")
    assert str(desk.studio.workspace.root) not in receipt.model_dump_json()
    assert "anna@farben.org" not in receipt.model_dump_json()


def test_the_goal_reaches_the_model_as_it_was_written(empty_desk: LayDesk) -> None:
    desk = empty_desk(NOT_FIT, goal="Use {braces} and {goal}")

    judge_data(desk)

    assert "<goal>Use {braces} and {goal}</goal>" in told(desk)[0]


class Curious(ScriptedLLM):
    """Splits without looking for repeats, and wraps its answer in words."""

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        seen = {
            one["name"]: json.loads(one["content"]) for one in messages if one["role"] == "tool"
        }
        if "import_user_dataset" not in seen:
            return call("import_user_dataset")
        if "repair_dataset" not in seen:
            name = seen["import_user_dataset"]["dataset"]
            return call("repair_dataset", dataset=name, repairs=["redact", "remove_invalid"])
        if "split_for_training" not in seen:
            name = seen["repair_dataset"]["dataset"]
            return call("split_for_training", dataset=name)
        split = SplitReport.model_validate(seen["split_for_training"])
        answer = DataDecision(
            verdict="fit",
            train=split.train,
            validation=split.validation,
            heldout=split.heldout,
            reasons="Split without looking for repeats.",
        )
        return f"Here it is:\n```json\n{answer.model_dump_json()}\n```"


def test_a_model_may_go_its_own_way_through_the_tools(empty_desk: LayDesk) -> None:
    desk = empty_desk()
    desk.studio = replace(desk.studio, llm=Curious(model="scripted", replies=[""]))

    decision = judge_data(desk)

    assert decision.reasons == "Split without looking for repeats."
    assert receipt_of(desk).model == "scripted"


@pytest.mark.parametrize(
    "garbage",
    [
        "I think the data is fine!",
        "",
        '{"verdict": "fit"',
        '{"verdict": "splendid", "reasons": "x"}',
        '{"verdict": "fit", "reasons": "x", "champion": true}',
        SAYS_FIT,
        "[]",
        "null",
        '{"verdict": "not fit", "reasons": ""}',
    ],
)
def test_garbage_is_asked_for_again_twice_then_the_rules_decide(
    empty_desk: LayDesk, garbage: str
) -> None:
    desk = empty_desk(garbage)

    decision = judge_data(desk)

    assert decision.verdict == "fit after repairs"
    assert receipt_of(desk).fell_back
    assert receipt_of(desk).model == "rules"
    if garbage:
        assert len(told(desk)) == 3
    assert "The rules decide in its place." in logs(desk)


def test_a_model_that_is_put_right_is_heard(empty_desk: LayDesk) -> None:
    desk = empty_desk("well ...", call("audit_dataset", dataset="colours"), NOT_FIT)

    assert judge_data(desk).reasons == "It is about colours."
    assert "The answer is not the JSON object asked for" in told(desk)[1]
    assert receipt_of(desk).fell_back is None


def test_a_model_that_cannot_be_reached_is_replaced_by_the_rules(empty_desk: LayDesk) -> None:
    desk = empty_desk(ConnectionError("refused"))

    assert judge_data(desk).verdict == "fit after repairs"
    assert "refused" in str(receipt_of(desk).fell_back)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "somebody-elses-0123456789ab", "", "a" * 500]
)
def test_a_model_cannot_reach_a_dataset_this_run_did_not_make(
    empty_desk: LayDesk, name: str
) -> None:
    desk = empty_desk(call("audit_dataset", dataset=name), NOT_FIT)
    other = desk.studio.workspace.datasets / "somebody-elses-0123456789ab.jsonl"
    other.write_text("secret\n", encoding="utf-8")

    judge_data(desk)

    assert desk.calls[0].result is None
    assert "is not a dataset of this run" in str(desk.calls[0].refusal)
    assert "secret" not in told(desk)[-1]


def test_a_tool_that_does_not_exist_does_nothing(empty_desk: LayDesk) -> None:
    desk = empty_desk(call("delete_everything", path="/"), NOT_FIT)

    judge_data(desk)

    assert "delete_everything" not in {one.tool for one in desk.calls}


def test_a_model_that_gives_up_though_no_tool_refused_is_replaced_by_the_rules(
    empty_desk: LayDesk,
) -> None:
    desk = empty_desk(call("import_user_dataset"), NOT_FIT)

    decision = judge_data(desk)

    assert decision.verdict == "fit after repairs"
    assert "No tool has refused the dataset" in told(desk)[2]
    assert "No tool has refused the dataset" in str(receipt_of(desk).fell_back)


def test_a_refusal_that_was_overcome_is_no_reason_to_give_up(empty_desk: LayDesk) -> None:
    desk = empty_desk(
        call("import_user_dataset", path="/etc/passwd"), call("import_user_dataset"), NOT_FIT
    )

    decision = judge_data(desk)

    assert desk.calls[0].refusal is not None
    assert decision.verdict == "fit after repairs"


def test_preference_data_is_not_fit_though_no_tool_refuses_it(
    empty_desk: LayDesk, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 30, encoding="utf-8")
    dataset = import_dataset(path, tmp_path / "before").dataset
    look = call("audit_dataset", dataset=dataset)
    desk = empty_desk(call("import_user_dataset"), look, NOT_FIT, dataset=str(path))

    assert judge_data(desk).reasons == "It is about colours."
    assert receipt_of(desk).fell_back is None


@pytest.mark.parametrize(
    "thoughts",
    ["<think>\nIs it {fit}?\n```json\n{}\n```\n</think>\n", "Is it {fit}? It is not.</think>", ""],
)
@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```"])
def test_what_a_model_thinks_before_its_answer_is_passed_over(
    empty_desk: LayDesk, thoughts: str, fence: str
) -> None:
    answer = thoughts + fence.replace("{}", NOT_FIT)
    desk = empty_desk(call("audit_dataset", dataset="colours"), answer)

    assert judge_data(desk).reasons == "It is about colours."
    assert len(told(desk)) == 2


def test_a_request_to_stop_is_not_argued_with(empty_desk: LayDesk) -> None:
    desk = empty_desk()
    desk.studio = replace(desk.studio, progress=Listener(stop_after=1))

    with pytest.raises(Cancelled):
        judge_data(desk)


def test_a_fault_of_ours_is_not_handed_to_the_model(empty_desk: LayDesk) -> None:
    desk = empty_desk()

    def broken(desk: Desk) -> ImportReport:
        """Break."""
        raise ZeroDivisionError

    with pytest.raises(ToolFault) as fault:
        desk.tool(broken).run()

    assert isinstance(fault.value.__cause__, ZeroDivisionError)


def test_a_file_that_fails_without_a_reason_is_told_by_the_kind_of_failure(
    empty_desk: LayDesk,
) -> None:
    desk = empty_desk()

    def broken(desk: Desk) -> ImportReport:
        """Break."""
        raise TimeoutError

    desk.tool(broken).run()

    assert desk.calls[0].refusal == "A file cannot be read or written: TimeoutError."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"foo": 1}\n' * 30, "foo"),
        ('{"prompt": "a", "completion": "b"}\n' + "{broken\n" * 3, "Row 2"),
        ('{"prompt": "Say %d", "completion": ""}\n' * 30, "usable rows"),
        ('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 30, "preference data"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_with_the_tools_words(
    empty_desk: LayDesk, tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "bad.jsonl").write_text(content, encoding="utf-8")

    decision = judge_data(empty_desk(dataset=str(tmp_path / "bad.jsonl")))

    assert decision.verdict == "not fit"
    assert reason in decision.reasons
    assert str(tmp_path) not in decision.reasons


def test_a_dataset_that_is_neither_a_file_nor_a_hub_id_is_named(empty_desk: LayDesk) -> None:
    decision = judge_data(empty_desk(dataset="missing.jsonl"))

    assert decision.verdict == "not fit"
    assert "'missing.jsonl'" in decision.reasons
