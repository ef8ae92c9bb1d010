import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.data.rows import chat
from tools.data.clean_dataset import CleaningStep, CleanReport, clean, clean_text
from tools.data.conversation import read_conversations, write_version

EVERYTHING: tuple[CleaningStep, ...] = ("encoding", "unicode", "unseen", "white_space", "markup")


@pytest.mark.parametrize(
    ("step", "dirty", "cleaned"),
    [
        ("encoding", "The cafÃ© is closed", "The café is closed"),
        ("encoding", "donâ€™t", "don\u2019t"),
        ("unicode", "cafe\u0301", "café"),
        ("unseen", "be\u200bfore\x00 and\ufeff after", "before and after"),
        ("unseen", "soft\u00adhyphen", "softhyphen"),
        ("white_space", "  one  \r\n\r\n\r\n\r\n\r\ntwo\t\n", "one\n\n\ntwo"),
        ("white_space", "one\u2028two", "one\ntwo"),
        ("markup", "<p>Hello <b>you</b></p>&amp; me", "Hello you\n& me"),
        ("markup", "a<script>alert(1)</script>b<!-- c -->", "ab"),
        ("markup", "first<br>second", "first\nsecond"),
    ],
)
def test_a_step_changes_what_it_is_for(step: CleaningStep, dirty: str, cleaned: str) -> None:
    assert clean_text(dirty, [step]) == (cleaned, {step})


@pytest.mark.parametrize(
    "text",
    [
        "def add(a, b):\n    return a + b",
        "a < b and c > d",
        "List<String> names",
        "x² + ﬁ",
        "👩‍👩‍👧 می‌خواهم",
        "naïve café",
        "if (a && b) return 1;",
    ],
)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert clean_text(text, EVERYTHING) == (text, frozenset())


@given(st.text() | st.text(alphabet="<>&ampltgb; \n\r\t/Ã©â€™\u200b", max_size=60))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once, _ = clean_text(text, EVERYTHING)

    assert clean_text(once, EVERYTHING) == (once, frozenset())


@pytest.mark.parametrize(
    ("markup", "cleaned"),
    [
        ("<b>x</b> <![if !IE]>y<![endif]>", "x y"),
        ("<b>x</b> <![CDATA[y]]>", "x y]]>"),
        ("<b>x</b> <![temp[y", "x temp[y"),
        ("<b>x</b> <![ 1", "x  1"),
        ("<b>x</b> a < b &amp; c <i", "x a < b & c <i"),
        ("<b>x</b><script>a > b &amp; c", "x"),
    ],
)
def test_markup_that_is_broken_off_or_unknown_leaves_its_text(markup: str, cleaned: str) -> None:
    assert clean_text(markup, ("markup",)) == (cleaned, {"markup"})


@pytest.mark.parametrize("piece", ["<", "<a ", "</p ", "<![if ", '<a b="', "&#"])
def test_a_megabyte_of_tags_that_never_end_takes_no_time_without_end(piece: str) -> None:
    began = time.process_time()

    clean_text("<b>x</b> " + piece * (1_000_000 // len(piece)), ("markup",))

    assert time.process_time() - began < 30


def test_a_text_that_never_comes_to_rest_is_left_as_it_was() -> None:
    nested = "&" + "amp;" * 50 + "lt;b&gt;"

    assert clean_text(nested, ["markup"]) == (nested, frozenset())


def test_rows_are_counted_by_the_step_that_changed_them(tmp_path: Path) -> None:
    rows = [
        chat("Hi", "Good day"),
        chat("Hi \n", "cafÃ©").model_copy(update={"row": 2}),
        chat("Bye", "See\u200b you").model_copy(update={"row": 3}),
    ]
    source = write_version(tmp_path, "raw", rows)

    report = clean(source, tmp_path)

    assert report == CleanReport(
        dataset=report.dataset,
        rows_read=3,
        rows_changed=2,
        changed={"encoding": 1, "unseen": 1, "white_space": 1},
        first_rows={"encoding": (2,), "unseen": (3,), "white_space": (2,)},
    )
    kept = read_conversations(tmp_path / f"{report.dataset}.jsonl")
    assert [[turn.content for turn in row.messages] for row in kept] == [
        ["Hi", "Good day"],
        ["Hi", "café"],
        ["Bye", "See you"],
    ]


def test_a_clean_dataset_keeps_its_version(tmp_path: Path) -> None:
    source = write_version(tmp_path, "raw", [chat("Hi", "Good day")])

    assert clean(source, tmp_path).dataset == source.stem
