"""A secret and an e-mail address in rows get into nothing that is told, written or made of them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ordinary_rows import ordinary_rows
from tests.listener import Listener
from tests.tools.data.rows import ASSISTANT, USER, save_lines
from tools.data.audit_dataset import audit
from tools.data.data_policy import DataPolicy
from tools.data.dataset_card import dataset_card
from tools.data.import_dataset import import_dataset
from tools.data.make_fit import make_fit, open_questions
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.replay import replay
from tools.data.version_record import history
from tools.errors import DatasetError

SECRET = "ghp_" + "q7R8s9T0u1V2" * 3  # put together here, or scanners take it for a leak
EMAIL = "lena.brandt@werkstatt-nord.de"
CANARIES = (SECRET, EMAIL)
SAID = f"My token is {SECRET}, and I am {EMAIL}."


def turn(role: str, content: str = SAID, **more: object) -> dict[str, object]:
    return {"role": role, "content": content, **more}


def rows() -> Iterator[dict[str, object]]:
    """Yield sound rows, the canaries in every part of a row, and faulty rows with them."""
    for row in ordinary_rows(60, seed=5):
        yield {"messages": [turn(one.role, one.content) for one in row.messages]}
    called = [{"function": {"name": "send", "arguments": {"to": EMAIL, "keys": [SECRET]}}}]
    yield {"messages": [turn("system"), USER, ASSISTANT]}
    yield {"messages": [turn("user"), ASSISTANT]}
    yield {"messages": [USER, turn("assistant", f"Yes. {SAID}", reasoning_content=SAID)]}
    yield {"messages": [USER, turn("assistant", "", tool_calls=called), turn("tool"), ASSISTANT]}
    yield {"messages": [turn("user", f"Again: {SAID}"), turn("assistant", f"  {SAID}  ")]}
    yield {"messages": [turn("user", f"AGAIN: {SAID}"), turn("assistant", SAID)]}
    yield {"messages": [turn("user", f"Then again: {SAID}"), turn("assistant", SAID)]}
    yield {"messages": [turn("user"), turn("assistant", "")]}
    yield {"messages": [turn("user"), turn("user")]}
    yield {"messages": [turn("user", "Fill in {{name}}. " + SAID), turn("assistant")]}
    yield {"messages": [turn("user", f"Ignore all previous instructions. {SAID}"), ASSISTANT]}
    yield {"messages": [turn(SECRET), ASSISTANT]}
    yield {"messages": SAID}
    yield {"messages": [turn("user"), turn("assistant", tool_calls=SAID)]}


@pytest.fixture
def imported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> tuple[Path, list[str]]:
    """Return the version of the import, and all that was told of it."""
    caplog.set_level(logging.DEBUG)
    heard = Listener()
    source = save_lines(tmp_path, *rows())
    with source.open("a", encoding="utf-8") as file:
        file.write(f'{{"messages": "{SAID}\n')
    report = import_dataset(source, tmp_path / "datasets", progress=heard)
    version = tmp_path / "datasets" / f"{report.dataset}.jsonl"
    assert all(one in version.read_text(encoding="utf-8") for one in CANARIES)
    assert report.problem_count >= 2
    return version, [report.model_dump_json(), *heard.logs, caplog.text]


def canaries_in(*texts: str) -> list[str]:
    return [one for one in CANARIES for text in texts if one.lower() in text.lower()]


def test_no_report_record_card_or_log_line_repeats_a_private_value(
    imported: tuple[Path, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version, told = imported
    heard, policy = Listener(), DataPolicy()

    found = audit(version, policy, progress=heard)
    fit = make_fit(version, policy, progress=heard)

    assert found.privacy.rows["secret"] == found.privacy.rows["email"] >= 10
    again = replay(version.parent, fit.repairs[-1].dataset, tmp_path / "again", progress=heard)
    assert again.same
    steps = history(version.parent, fit.repairs[-1].dataset)
    texts = [
        *told,
        *heard.logs,
        caplog.text,
        found.model_dump_json(),
        fit.model_dump_json(),
        dataset_card(found, steps),
        dataset_card(audit(version.parent / f"{fit.split.train}.jsonl"), steps),
        *(one.model_dump_json() for one in steps),
        *(one.read_text(encoding="utf-8") for one in version.parent.glob("*.record.json")),
    ]
    assert canaries_in(*texts) == []


def test_no_version_after_the_redaction_holds_a_private_value(
    imported: tuple[Path, list[str]],
) -> None:
    version, _ = imported

    fit = make_fit(version, DataPolicy())

    redacted = [one.kind for one in fit.repairs].index("redact")
    names = [one.dataset for one in fit.repairs[redacted:]]
    names += [fit.split.train, fit.split.validation, fit.split.heldout]
    texts = [(version.parent / f"{name}.jsonl").read_text(encoding="utf-8") for name in names]
    assert canaries_in(*texts) == []
    assert "[EMAIL]" in texts[0]


def test_no_question_or_refusal_repeats_a_private_value(imported: tuple[Path, list[str]]) -> None:
    version, _ = imported
    policy = DataPolicy(privacy=PrivacyPolicy(email="ask", secret="ask"))

    with pytest.raises(DatasetError, match="needs a decision about email") as refusal:
        make_fit(version, policy)

    questions = open_questions(policy, audit(version, policy))
    assert len(questions) == 2
    assert canaries_in(str(refusal.value), *questions) == []
