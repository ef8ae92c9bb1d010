import json
import logging
import subprocess
import sys

import pytest

from backend.logs import without_secrets

KEY = "ct_" + "A1b2" * 8


@pytest.mark.parametrize(
    "said",
    [
        f"Authorization: Bearer {KEY}",
        "authorization: bearer CANARY.x.y",
        "password=CANARY&username=anna",
        "'refresh_token': 'CANARY'",
        '{"setup_code": "CANARY"}',
        "api_key = CANARY",
        f"the code cts_{KEY[3:]} was used",
    ],
)
def test_what_looks_like_a_secret_is_starred(said: str) -> None:
    shown = without_secrets(said)

    assert "CANARY" not in shown
    assert KEY[3:] not in shown
    assert "***" in shown


def test_other_words_stay() -> None:
    said = "Training tiny on 64 rows: 512 tokens in the loss."

    assert without_secrets(said) == said


def test_a_record_is_one_line_of_json_whatever_it_says() -> None:
    program = (
        "import logging; from backend.logs import configure_logs; configure_logs();"
        "logging.getLogger('x').warning('a\\n{\\\"level\\\": \\\"ERROR\\\"}')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    [line] = ran.stderr.splitlines()
    record = json.loads(line)
    assert record["level"] == logging.getLevelName(logging.WARNING)
    assert record["message"].startswith("a\n{")
    assert record["request_id"] == "-"
