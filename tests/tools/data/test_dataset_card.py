"""The card of a version says where it came from, what it holds and how it was made."""

from pathlib import Path

from tests.tools.data.privacy.values import EMAIL
from tests.tools.data.rows import chat, chats, save_lines, save_version
from tools.data.audit_dataset import audit
from tools.data.dataset_card import dataset_card
from tools.data.import_dataset import import_dataset
from tools.data.repair import Deduplicate, Redact, repair_all
from tools.data.version_record import VersionRecord, history


def test_a_card_tells_source_contents_findings_and_steps(tmp_path: Path) -> None:
    rows = [{"prompt": f"What is {n}?", "completion": f"Number {n}."} for n in range(21)]
    rows += [{"prompt": "Who?", "completion": EMAIL}, {"prompt": "Why?", "completion": ""}]
    source = save_lines(tmp_path, *rows, rows[3], name="a|b.jsonl")
    imported = import_dataset(source, tmp_path)
    version = tmp_path / f"{imported.dataset}.jsonl"
    done = repair_all(version, [Redact(), Deduplicate()])
    audited = audit(tmp_path / f"{done.dataset}.jsonl")

    card = dataset_card(audited, history(tmp_path, done.dataset))

    assert card == "\n".join(
        [
            f"# {done.dataset}",
            "",
            "## Source",
            "",
            "| | |",
            "|---|---|",
            "| Source | a\\|b.jsonl |",
            "| Format | prompt-completion |",
            f"| SHA-256 of the file | {imported.sha256} |",
            "",
            "## Contents",
            "",
            "| | |",
            "|---|---|",
            "| Rows | 23 |",
            "| Rows without an error | 22 |",
            "| Characters of a question, median and longest | 10 and 11 |",
            "| Characters of an answer, median and longest | 9 and 10 |",
            "| Different answers | 23 |",
            f"| Tokens, about | {audited.profile.estimated_tokens} |",
            "",
            "## Rows by length, in characters at most",
            "",
            "```",
            f"        64 {'█' * 30} 23",
            "```",
            "",
            "## Findings",
            "",
            "| | |",
            "|---|---|",
            "| empty_answer | 1 |",
            "",
            "## How it was made",
            "",
            f"1. `{imported.dataset}`: import",
            f"2. `{done.repairs[0].dataset}`: redact (1 row changed)",
            f"3. `{done.dataset}`: deduplicate (1 of 24 rows left out)",
            "",
        ]
    )


def test_a_card_of_a_version_without_a_record_says_so(tmp_path: Path) -> None:
    rows = [chat("a" * 100), *chats(3)]

    card = dataset_card(audit(save_version(tmp_path, rows)), ())

    assert "## Source" not in card
    assert card.endswith("## How it was made\n\nNo record was kept.\n")
    assert f"        64 {'█' * 30} 3\n       128 {'█' * 10} 1\n" in card


def test_a_licence_and_a_revision_are_on_the_card(tmp_path: Path) -> None:
    source = save_version(tmp_path, chats(20))
    step = {"kind": "import", "source": "owner/rows", "revision": "ab12", "licence": "cc-by-4.0"}
    record = VersionRecord(version=source.stem, made_from=None, step={**step}, report={})

    card = dataset_card(audit(source), (record,))

    assert "| Source | owner/rows |\n| Revision | ab12 |\n| Licence | cc-by-4.0 |\n" in card
