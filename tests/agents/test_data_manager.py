import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.answers import DataDecision
from agents.data_manager import judge_data
from agents.desk import Desk, ToolFault
from agents.job import FineTuneJob, Studio
from agents.receipts import Receipt
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.listener import Listener
from tools.data.conversation import read_conversations
from tools.data.import_dataset import ImportReport
from tools.data.split_dataset import SplitReport
from tools.progress import Cancelled

SAYS_FIT = '{"verdict": "fit", "train": "a", "validation": "b", "heldout": "c", "reasons": "Yes."}'


def desk_of(studio: Studio, job: FineTuneJob) -> Desk:
    return Desk(studio, job, studio.workspace.new_run())


def receipt_of(desk: Desk) -> Receipt:
    text = (desk.folder / "receipts" / "1-data_manager.json").read_text(encoding="utf-8")
    return Receipt.model_validate_json(text)


def test_the_rules_repair_the_data_and_split_it(studio: Studio, job: FineTuneJob) -> None:
    desk = desk_of(studio, job)

    decision = judge_data(desk)

    assert decision.verdict == "fit after repairs"
    assert "4 exact repeats removed" in decision.reasons
    parts = (decision.train, decision.validation, decision.heldout)
    rows = [list(read_conversations(studio.workspace.dataset(name))) for name in parts]
    assert sum(map(len, rows)) == 160
    assert not any("@" in one.prompt[0].content for part in rows for one in part)


def test_the_receipt_tells_every_call_and_no_path(studio: Studio, job: FineTuneJob) -> None:
    desk = desk_of(studio, job)

    decision = judge_data(desk)

    receipt = receipt_of(desk)
    assert (receipt.agent, receipt.model, receipt.fell_back) == ("Data Manager", "rules", None)
    assert [one.tool for one in receipt.tool_calls] == [
        "import_user_dataset",
        "profile_dataset",
        "validate_dataset",
        "remove_invalid_rows",
        "deduplicate_dataset",
        "split_for_training",
    ]
    assert receipt.answer == decision.model_dump(mode="json")
    assert str(studio.workspace.root) not in receipt.model_dump_json()
    assert "anna@example.com" not in receipt.model_dump_json()


def test_the_goal_reaches_the_model_as_it_was_written(studio: Studio, job: FineTuneJob) -> None:
    llm = ScriptedLLM(
        model="scripted", replies=[json.dumps({"verdict": "not fit", "reasons": "No."})]
    )
    job = job.model_copy(update={"goal": "Use {braces} and {goal}"})

    judge_data(desk_of(replace(studio, llm=llm), job))

    assert "<goal>Use {braces} and {goal}</goal>" in llm.told[0]


def test_a_model_may_go_its_own_way_through_the_tools(studio: Studio, job: FineTuneJob) -> None:
    desk = desk_of(studio, job)

    class Curious(ScriptedLLM):
        def call(self, messages: object, *rest: object, **more: object) -> object:
            split, imported = desk.last(SplitReport), desk.last(ImportReport)
            if imported is None:
                return call("import_user_dataset")
            names = [
                one.result["dataset"]
                for one in desk.calls
                if one.result and "dataset" in one.result
            ]
            done = {one.tool for one in desk.calls}
            if "remove_invalid_rows" not in done:
                return call("remove_invalid_rows", dataset=names[-1])
            if split is None:
                return call("split_for_training", dataset=names[-1])
            answer = DataDecision(
                verdict="fit",
                train=split.train,
                validation=split.validation,
                heldout=split.heldout,
                reasons="Split without looking for repeats.",
            )
            return f"Here it is:\n```json\n{answer.model_dump_json()}\n```"

    desk.studio = replace(studio, llm=Curious(model="scripted", replies=[""]))

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
    studio: Studio, job: FineTuneJob, garbage: str
) -> None:
    llm = ScriptedLLM(model="scripted", replies=[garbage])
    desk = desk_of(replace(studio, llm=llm), job)

    decision = judge_data(desk)

    assert decision.verdict == "fit after repairs"
    assert receipt_of(desk).fell_back
    assert receipt_of(desk).model == "rules"
    if garbage:
        assert len(llm.told) == 3
    listener = studio.progress
    assert isinstance(listener, Listener)
    assert "The rules decide in its place." in listener.logs


def test_a_model_that_is_put_right_is_heard(studio: Studio, job: FineTuneJob) -> None:
    good = json.dumps({"verdict": "not fit", "reasons": "It is about colours."})
    llm = ScriptedLLM(model="scripted", replies=["well ...", good])
    desk = desk_of(replace(studio, llm=llm), job)

    assert judge_data(desk).reasons == "It is about colours."
    assert "The answer is not the JSON object asked for" in llm.told[1]
    assert receipt_of(desk).fell_back is None


def test_a_model_that_cannot_be_reached_is_replaced_by_the_rules(
    studio: Studio, job: FineTuneJob
) -> None:
    llm = ScriptedLLM(model="scripted", replies=[ConnectionError("refused")])
    desk = desk_of(replace(studio, llm=llm), job)

    assert judge_data(desk).verdict == "fit after repairs"
    assert "refused" in str(receipt_of(desk).fell_back)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "somebody-elses-0123456789ab", "", "a" * 500]
)
def test_a_model_cannot_reach_a_dataset_this_run_did_not_make(
    studio: Studio, job: FineTuneJob, name: str
) -> None:
    (studio.workspace.datasets / "somebody-elses-0123456789ab.jsonl").write_text("secret\n")
    replies = [
        call("profile_dataset", dataset=name),
        json.dumps({"verdict": "not fit", "reasons": "-"}),
    ]
    llm = ScriptedLLM(model="scripted", replies=replies)
    desk = desk_of(replace(studio, llm=llm), job)

    judge_data(desk)

    assert desk.calls[0].result is None
    assert "is not a dataset of this run" in str(desk.calls[0].refusal)
    assert "secret" not in llm.told[-1]


def test_a_tool_that_does_not_exist_does_nothing(studio: Studio, job: FineTuneJob) -> None:
    replies = [
        call("delete_everything", path="/"),
        json.dumps({"verdict": "not fit", "reasons": "-"}),
    ]
    desk = desk_of(replace(studio, llm=ScriptedLLM(model="scripted", replies=replies)), job)

    judge_data(desk)

    assert desk.calls == []


def test_a_request_to_stop_is_not_argued_with(studio: Studio, job: FineTuneJob) -> None:
    desk = desk_of(replace(studio, progress=Listener(stop_after=1)), job)

    with pytest.raises(Cancelled):
        judge_data(desk)


def test_a_fault_of_ours_is_not_handed_to_the_model(studio: Studio, job: FineTuneJob) -> None:
    desk = desk_of(studio, job)

    def broken() -> ImportReport:
        """Break."""
        raise ZeroDivisionError

    with pytest.raises(ToolFault) as fault:
        desk.tool(broken).run()

    assert isinstance(fault.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"foo": 1}\n' * 30, "foo"),
        ('{"prompt": "a", "completion": "b"}\n' * 3 + "{broken\n", "line 4"),
        ('{"prompt": "Say %d", "completion": ""}\n' * 30, "usable rows"),
        ('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 30, "preference data"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_with_the_tools_words(
    studio: Studio, job: FineTuneJob, tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "bad.jsonl").write_text(content, encoding="utf-8")
    job = job.model_copy(update={"dataset": str(tmp_path / "bad.jsonl")})

    decision = judge_data(desk_of(studio, job))

    assert decision.verdict == "not fit"
    assert reason in decision.reasons
    assert str(tmp_path) not in decision.reasons


def test_a_dataset_that_is_neither_a_file_nor_a_hub_id_is_named(
    studio: Studio, job: FineTuneJob
) -> None:
    job = job.model_copy(update={"dataset": "missing.jsonl"})

    decision = judge_data(desk_of(studio, job))

    assert decision.verdict == "not fit"
    assert "'missing.jsonl'" in decision.reasons
