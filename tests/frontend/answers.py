"""What a studio answers with, for the screens' tests."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from crewtune import Dataset, Job

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)> **bold** :red[red] [link](http://example.com)"
RECIPE: dict[str, Any] = {
    "model_name_or_path": "tiny-instruct",
    "r": 16,
    "target_modules": "all-linear",
    "learning_rate": 0.005,
    "lr_scheduler_type": "cosine",
    "rewards": [],
    "bf16": False,
    "seed": 42,
}
ADVICE = {
    "recipe": RECIPE,
    "reasons": {"r": "16 is enough for 800 rows.", "learning_rate": "A small model learns fast."},
    "choices": {"lr_scheduler_type": ["cosine", "linear"]},
    "estimated_memory_gib": 0.4,
    "available_memory_gib": 18.2,
    "fits": True,
}
GATE = {
    "verdict": "better",
    "checks": [{"name": "rows", "passed": True, "reason": "155 held-out rows were compared."}],
}
COMPARED = {
    "metric": "exact_match",
    "baseline": 0.0,
    "candidate": 0.948,
    "difference": 0.948,
    "low": 0.91,
    "high": 0.98,
    "rows": 155,
    "better": True,
}
VERDICT = {
    "gate": GATE,
    "comparisons": [COMPARED],
    "primary_metric": "exact_match",
    "tracking": {"model": "tiny-requests", "version": 1, "aliases": ["champion"], "problem": None},
}
RECEIPT = {
    "step": 1,
    "agent": "Data Manager",
    "model": "rules",
    "prompt": f"Prepare the dataset. {HOSTILE}",
    "tool_calls": [
        {
            "tool": "deduplicate_dataset",
            "arguments": {"dataset": "requests"},
            "result": {"rows_read": 1048, "rows_kept": 1036},
            "refusal": None,
            "seconds": 0.1,
        }
    ],
    "answer": {"verdict": "fit"},
    "fell_back": None,
    "tokens": 0,
    "seconds": 0.4,
}


def a_job(number: int, kind: str, status: str = "queued", **changes: Any) -> Job:
    """Return a job; what is not given is as it is at its beginning."""
    given: dict[str, Any] = {
        "id": UUID(int=number),
        "number": number,
        "kind": kind,
        "status": status,
        "queue": "gpu",
        "position": 0 if status == "queued" else None,
        "percent": 0.0,
        "seconds_left": None,
        "request": {"model": "tiny-instruct", "dataset": "requests", "seed": 42},
        "result": None,
        "error": None,
        "created_at": NOW,
        "started_at": None if status == "queued" else NOW,
        "ended_at": NOW if status in ("succeeded", "failed", "cancelled") else None,
    }
    return Job.model_validate({**given, **changes})


POLICY: dict[str, Any] = {
    "cleaning": ["encoding", "unicode"],
    "privacy": {
        **dict.fromkeys(("email", "phone", "iban", "card", "national_id", "secret"), "mask"),
        **{"url_credentials": "mask", "ip": "report", "name": "report"},
        **{"name_pipeline": "", "phone_region": ""},
    },
    "scan": "standard",
    "marked": "report",
    "near_duplicates": "report",
    "near_threshold": 0.8,
    "benchmarks": [],
    "contaminated": "drop_row",
}


def a_dataset(name: str = "requests") -> Dataset:
    """Return a dataset of 25 rows."""
    return Dataset(
        id=uuid4(),
        name=name,
        version="requests-0123456789ab",
        source="requests.jsonl",
        format="messages",
        rows=25,
        created_at=NOW,
        report={"rows_read": 25},
        policy=POLICY,
    )
