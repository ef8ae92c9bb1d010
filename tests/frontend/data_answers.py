"""What a studio says of the dataset `requests`."""

from typing import Any

from crewtune import Audit, Finding, Version
from tests.frontend.answers import HOSTILE

AUDIT = Audit(
    dataset="requests-0123456789ab",
    rows=25,
    rows_usable=24,
    profile={"lengths": [[64, 20], [128, 5]]},
    languages={"en": 0.9, "de": 0.1},
    repeats=1,
    repeated=((7, 2),),
    near_duplicates={
        "threshold": 0.8,
        "rows_in_clusters": 4,
        "pairs": [
            {"row": 2, "twin": 7, "jaccard": 1.0},
            {"row": 9, "twin": 4, "jaccard": 0.9},
        ],
    },
    privacy={"found": {"email": 3}, "rows": {"email": 2}},
    scan={"rows_marked": 1},
    findings=(
        Finding(
            row=3,
            field="messages",
            severity="error",
            code="empty_answer",
            message="The answer is empty.",
            remedy="Write one.",
        ),
    ),
    counts={"empty_answer": 1, "repeated": 1},
)
VERSIONS = [
    Version(
        version="requests-aaaaaaaaaaaa",
        made_from=None,
        step={"kind": "import", "source": "faq.csv", "revision": None, "format": "alpaca"},
        report={"rows_read": 26, "rows_kept": 26},
    ),
    Version(
        version="requests-0123456789ab",
        made_from="requests-aaaaaaaaaaaa",
        step={"kind": "deduplicate"},
        report={"rows_read": 26, "rows_kept": 25},
    ),
]
INSPECTION: dict[str, Any] = {
    "layout": {"format": "alpaca", "confidence": 0.9, "prompt": "Frage", "answer": "Antwort"},
    "refusal": None,
    "columns": [
        {"name": "Frage", "shape": "text", "filled": 1.0},
        {"name": "Antwort", "shape": "text", "filled": 1.0},
    ],
    "rows": [{"row": 1, "values": {"Frage": HOSTILE, "Antwort": "Ja"}}],
    "conversations": [{"row": 1, "messages": [{"role": "user", "content": HOSTILE}]}],
    "problems": [
        {"row": 2, "field": "Antwort", "problem": "it is not text", "remedy": "Write it."}
    ],
    "notes": ["It was read as Windows-1252."],
}
_REPAIR = {"kind": "deduplicate", "rows_read": 26, "rows_kept": 25, "rows_changed": 0}
REPAIRED: dict[str, Any] = {"repairs": [_REPAIR], "rows": 25, "rows_usable": 24}
REHEARSED: dict[str, Any] = {
    "verdict": "fit after repairs",
    "repairs": [_REPAIR],
    "split": {"train_rows": 18, "validation_rows": 2, "heldout_rows": 5},
}
PREVIEW: dict[str, Any] = {
    "chat_template": "own",
    "rows": [
        {
            "row": 1,
            "verdict": "refused",
            "reason": "The answer is cut away.",
            "tokens": [
                {"text": "<|im_start|>", "id": 1, "in_loss": False, "special": True, "cut": False},
                {"text": HOSTILE, "id": 2, "in_loss": True, "special": False, "cut": False},
            ],
            "length": 2,
            "tokens_in_loss": 1,
            "stop_token": "<|im_end|>",
        }
    ],
}
