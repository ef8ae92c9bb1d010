"""What a dataset or a row holds is said in numbers and places, never in values."""

from pathlib import Path

from tests.tools.data.privacy.values import CARD, EMAIL, GITHUB_TOKEN, PHONE
from tests.tools.data.rows import chat, pair, save_version
from tools.data.conversation import Conversation, Segment
from tools.data.finding import Finding
from tools.data.privacy.find_in_dataset import PrivacyReport, find_in_dataset, private_findings
from tools.data.privacy.kinds import PrivacyPolicy


def test_a_dataset_is_counted_and_not_changed(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat("Hi"), chat(f"{EMAIL} {EMAIL}", PHONE, row=5)])
    before = source.read_bytes()

    report = find_in_dataset(source)

    assert report == PrivacyReport(
        dataset=source.stem,
        rows_read=2,
        found={"email": 2, "phone": 1},
        rows={"email": 1, "phone": 1},
        first_rows={"email": (5,), "phone": (5,)},
    )
    assert source.read_bytes() == before


def test_phones_without_a_country_code_are_counted_for_a_named_country(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat("(415) 555-2671")])

    assert find_in_dataset(source, PrivacyPolicy(phone_region="US")).found == {"phone": 1}
    assert find_in_dataset(source).found == {}


def test_a_finding_names_kind_and_turn_and_what_the_policy_does() -> None:
    row = chat(f"{EMAIL} and berta@firm.de", f"{CARD} {GITHUB_TOKEN}", row=9)

    findings = private_findings(row, PrivacyPolicy(card="drop_row", email="report"))

    assert findings == [
        Finding(
            row=9,
            field="messages",
            severity="warning",
            code="private_email",
            message="Turn 1 holds 2 e-mail addresses.",
            remedy="Leave it in, or choose to mask it.",
        ),
        Finding(
            row=9,
            field="messages",
            severity="error",
            code="private_card",
            message="Turn 2 holds a payment card number.",
            remedy="The row is left out; choose mask or pseudonymise to keep the rest of it.",
        ),
        Finding(
            row=9,
            field="messages",
            severity="warning",
            code="private_secret",
            message="Turn 2 holds a key, token or password.",
            remedy="Redact the dataset: a mark takes its place.",
        ),
    ]


def test_the_turns_of_a_pair_are_counted_after_those_they_share() -> None:
    findings = private_findings(pair("Hi", EMAIL, PHONE), PrivacyPolicy())

    assert [(one.field, one.message) for one in findings] == [
        ("chosen", "Turn 2 holds an e-mail address."),
        ("rejected", "Turn 2 holds a phone number."),
    ]


def test_what_stands_in_no_turn_is_named_by_its_place() -> None:
    row = Conversation(
        segments=(Segment(text=EMAIL, label=True),),
        tools=({"description": EMAIL},),
        extra={"solution": EMAIL},
        row=1,
    )

    assert [(one.field, one.message) for one in private_findings(row, PrivacyPolicy())] == [
        ("segments", "A segment holds an e-mail address."),
        ("tools", "The description of a tool holds an e-mail address."),
        ("extra", "Another column holds an e-mail address."),
    ]
