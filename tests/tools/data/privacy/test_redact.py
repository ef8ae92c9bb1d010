"""A dataset loses its private values as the policy says, and no report repeats one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.tools.data.privacy.values import (
    CARD,
    EMAIL,
    GITHUB_TOKEN,
    IBAN,
    IP,
    ONE_OF_EACH,
    PASSWORD,
    PHONE,
    SSN,
)
from tests.tools.data.rows import chat, chats, load_version, save_version
from tools.data.conversation import Conversation, Message, Segment, ToolCall
from tools.data.privacy.detect import finder_of
from tools.data.privacy.kinds import KINDS, PrivacyPolicy
from tools.data.privacy.pseudonyms import Pseudonyms
from tools.data.privacy.redact import RedactReport, redact
from tools.data.privacy.replace_private import replace_private
from tools.errors import DatasetError

PSEUDONYMS = PrivacyPolicy.model_validate(
    dict.fromkeys(KINDS, "pseudonymise") | {"phone_region": "US"}
)


def test_each_kind_is_masked_by_its_name_and_addresses_of_machines_stay(tmp_path: Path) -> None:
    asked = f"Write {EMAIL} or call {PHONE}, account {IBAN}, card {CARD}, SSN {SSN}"
    answer = f"From {IP}: https://bob:s3cr3t@db.firm.de with {GITHUB_TOKEN} or password={PASSWORD}"
    source = save_version(tmp_path, [chat("Hi"), chat(asked, answer, row=7)])

    report = redact(source, tmp_path, PrivacyPolicy())

    assert report == RedactReport(
        dataset=report.dataset,
        rows_read=2,
        rows_kept=2,
        rows_changed=1,
        found={
            "email": 1,
            "phone": 1,
            "iban": 1,
            "card": 1,
            "ip": 1,
            "national_id": 1,
            "secret": 2,
            "url_credentials": 1,
        },
        rows=dict.fromkeys(KINDS[:-1], 1),
        first_rows=dict.fromkeys(KINDS[:-1], (7,)),
        actions=dict.fromkeys(KINDS[:-1], "mask") | {"ip": "report"},
    )
    assert load_version(tmp_path, report.dataset) == [
        chat("Hi"),
        chat(
            "Write [EMAIL] or call [PHONE], account [IBAN], card [CARD], SSN [NATIONAL_ID]",
            f"From {IP}: https://[URL_CREDENTIALS]@db.firm.de with [SECRET] or password=[SECRET]",
            row=7,
        ),
    ]


def test_a_value_has_one_stand_in_throughout_the_dataset(tmp_path: Path) -> None:
    rows = [
        chat(f"{EMAIL} and berta@firm.de", f"{PHONE}, {IBAN}"),
        chat("ANNA.B@FIRM.DE", "+4915112345678, (415) 555-2671, de89370400440532013000", row=2),
        chat(f"{IP} and 2a00:1450::1", "8.8.4.4, 2a00:1450:0:0::1, 8.8.8.8", row=3),
        chat(f"{CARD}, {SSN}", f"4111-1111-1111-1111, {GITHUB_TOKEN}", row=4),
    ]

    report = redact(save_version(tmp_path, rows), tmp_path, PSEUDONYMS)

    assert load_version(tmp_path, report.dataset) == [
        chat("person1@example.com and person2@example.com", "+1 201 555 0100, [IBAN-1]"),
        chat("person1@example.com", "+1 201 555 0100, +1 201 555 0101, [IBAN-1]", row=2),
        chat("192.0.2.1 and 2001:db8::1", "192.0.2.1, 2001:db8::1, 192.0.2.2", row=3),
        chat("[CARD-1], [NATIONAL_ID-1]", "[CARD-1], [SECRET-1]", row=4),
    ]
    assert report.rows_changed == 4


def test_stand_ins_that_run_out_become_tokens() -> None:
    pseudonyms = Pseudonyms()

    addresses = [pseudonyms.of("ip", f"9.9.{i // 256}.{i % 256}") for i in range(800)]

    assert addresses[253:256] == ["192.0.2.254", "198.51.100.1", "198.51.100.2"]
    assert addresses[-1] == "[IP-800]"
    assert len(set(addresses)) == 800


def test_every_text_of_a_row_is_searched(tmp_path: Path) -> None:
    def row(value: str) -> Conversation:
        call = ToolCall(name="send", arguments={"to": [value, {"cc": value}]})
        turn = Message(role="assistant", content=value, reasoning_content=value, tool_calls=(call,))
        return Conversation(
            messages=(turn,),
            chosen=(turn,),
            rejected=(turn,),
            segments=(Segment(text=value, label=True),),
            tools=({"description": value},),
            extra={"solution": value},
            row=1,
        )

    report = redact(save_version(tmp_path, [row(EMAIL)]), tmp_path, PrivacyPolicy())

    assert load_version(tmp_path, report.dataset) == [row("[EMAIL]")]
    assert report.found == {"email": 15}


def test_a_row_is_left_out_where_the_policy_says_so(tmp_path: Path) -> None:
    policy = PrivacyPolicy(card="drop_row", email="pseudonymise")
    rows = [*chats(20), chat(EMAIL, CARD, row=21), chat("berta@firm.de", row=22)]

    report = redact(save_version(tmp_path, rows), tmp_path, policy)

    assert (report.rows_read, report.rows_kept, report.rows_changed) == (22, 21, 1)
    assert report.first_rows == {"email": (21, 22), "card": (21,)}
    assert load_version(tmp_path, report.dataset) == [
        *chats(20),
        chat("person1@example.com", row=22),
    ]


def test_too_few_rows_left_are_refused(tmp_path: Path) -> None:
    rows = [*chats(19), chat(CARD, row=20)]
    source = save_version(tmp_path, rows)

    with pytest.raises(DatasetError, match=r"^Only 19 rows would be left of 20, 20 are needed\. "):
        redact(source, tmp_path / "target", PrivacyPolicy(card="drop_row"))

    assert list((tmp_path / "target").iterdir()) == []


def test_what_the_owner_wants_to_be_asked_about_is_counted_in_the_refusal(tmp_path: Path) -> None:
    rows = [chat(PHONE, f"{EMAIL} berta@firm.de", row=row) for row in (1, 2)]
    policy = PrivacyPolicy(email="ask", phone="ask", card="ask")

    with pytest.raises(DatasetError) as refusal:
        redact(save_version(tmp_path, rows), tmp_path / "target", policy)

    assert str(refusal.value).endswith(
        "needs a decision about email: 4 e-mail addresses in 2 rows; phone: 2 phone numbers in "
        "2 rows. Choose report, drop_row, mask or pseudonymise for each."
    )
    assert list((tmp_path / "target").iterdir()) == []


def test_nothing_to_ask_about_is_no_reason_to_refuse(tmp_path: Path) -> None:
    source = save_version(tmp_path, chats(2))

    report = redact(source, tmp_path, PrivacyPolicy(email="ask"))

    assert report.dataset == source.stem
    assert (report.found, report.rows_changed) == ({}, 0)


def test_only_the_first_twenty_rows_are_named(tmp_path: Path) -> None:
    rows = [chat(EMAIL, row=row) for row in range(1, 31)]

    report = redact(save_version(tmp_path, rows), tmp_path, PrivacyPolicy())

    assert report.first_rows == {"email": tuple(range(1, 21))}
    assert report.rows == {"email": 30}


@pytest.mark.parametrize("policy", [PrivacyPolicy(), PSEUDONYMS])
def test_no_report_holds_a_value(tmp_path: Path, policy: PrivacyPolicy) -> None:
    source = save_version(tmp_path, [chat(" ".join(ONE_OF_EACH.values()))])

    report = redact(source, tmp_path, policy).model_dump_json()

    assert [value for value in ONE_OF_EACH.values() if value in report] == []


def test_the_same_rows_give_the_same_version(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat(value) for value in ONE_OF_EACH.values()])

    assert redact(source, tmp_path, PSEUDONYMS) == redact(source, tmp_path / "again", PSEUDONYMS)


PIECES = some.sampled_from(
    [
        *ONE_OF_EACH.values(),
        *("https://bob:s3cr3t@db.firm.de", "(415) 555-2671", "password=", "token: ", PASSWORD),
        *(" ", "\n", "@", ".", "-", "+", "(", "00", "1", "x", "BSN ", "tel. ", "@b.de", "://", ":"),
    ]
)
POLICIES = some.sampled_from([PrivacyPolicy(), PrivacyPolicy(ip="mask"), PSEUDONYMS])


def _redacting(policy: PrivacyPolicy) -> Callable[[str], str]:
    find, pseudonyms = finder_of(policy), Pseudonyms(policy.phone_region)
    return lambda text: replace_private(text, policy, find, pseudonyms)[0]


@given(some.lists(PIECES | some.text(max_size=5), max_size=12).map("".join), POLICIES)
def test_a_second_redaction_finds_nothing_more(text: str, policy: PrivacyPolicy) -> None:
    once = _redacting(policy)(text)

    assert _redacting(policy)(once) == once
    left = {span.kind for span in finder_of(policy)(once)}
    assert {kind for kind in left if policy.action(kind) != "report"} == set()


def test_a_stand_in_next_to_a_part_of_an_address_is_taken_out_too() -> None:
    redacted = _redacting(PSEUDONYMS)(f"{EMAIL}@mail.firm.de")

    assert "firm.de" not in redacted
    assert finder_of(PSEUDONYMS)(redacted) == ()
