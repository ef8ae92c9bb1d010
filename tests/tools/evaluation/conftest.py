"""A verdict with every part filled in."""

from datetime import UTC, datetime

import pytest

from tools.evaluation.answer import AnsweredRow
from tools.evaluation.choose_samples import choose_samples
from tools.evaluation.gate import decide
from tools.evaluation.scores import check_reading, compare_all, score_rows
from tools.evaluation.verdict import (
    DatasetSummary,
    ReceiptSummary,
    TrackingSummary,
    Verdict,
)
from tools.training.loss_point import LossPoint

DEPARTMENTS = ("billing", "shipping", "returns", "accounts")
QUESTIONS = (
    "My card was charged twice for one order.",
    "The parcel has been in Leipzig for nine days and nobody answers the phone.",
    "These shoes are too small. How do I send them back?",
    "I cannot sign in since yesterday.",
)


@pytest.fixture
def answered() -> tuple[AnsweredRow, ...]:
    """Forty rows: the base is right in 6, the tuned model in 34 and wrong in one of those 6."""
    rows = []
    for index in range(40):
        right = DEPARTMENTS[index % 4]
        wrong = DEPARTMENTS[(index + 1) % 4]
        rows.append(
            AnsweredRow(
                row=3 * index + 2,
                prompt=f"Ticket {index}: {QUESTIONS[index % 4]}",
                reference=right,
                answers={
                    "base": right if index < 6 else "I am happy to help you with your question!",
                    "tuned": wrong if index in (0, 11, 18, 25, 32, 39) else right,
                },
                stopped={"base": index < 6, "tuned": True},
            )
        )
    return tuple(rows)


@pytest.fixture
def verdict(answered: tuple[AnsweredRow, ...]) -> Verdict:
    losses = {"base": [2.0 + row.row % 5 for row in answered], "tuned": [0.4] * len(answered)}
    table = score_rows(answered, losses)
    against_base = compare_all(table)
    gate = decide(
        against_base=against_base,
        reading=check_reading(answered, "exact_match"),
        against_champion=None,
        champion_version=None,
        primary_metric="exact_match",
        adapter_sha256="3f" * 32,
    )
    exact = table.scores["exact_match"]
    return Verdict(
        run_id="20261120-184500-a1b2",
        created_at=datetime(2026, 11, 20, 18, 45, tzinfo=UTC),
        goal="Name the department that answers a customer's message.",
        language_model="rules",
        base_model="tiny-instruct",
        dataset=DatasetSummary(
            source="tickets.csv",
            format="csv: question, answer",
            rows_imported=420,
            rows_usable=400,
            rows_train=320,
            rows_train_too_long=0,
            rows_validation=40,
            rows_heldout=40,
            rows_heldout_too_long=0,
            heldout="tickets-heldout-0123456789ab",
            shuffled_labels=False,
        ),
        recipe={"model_name_or_path": "tiny-instruct", "r": 16, "learning_rate": 2e-4},
        verdict=gate.verdict,
        promoted=True,
        primary_metric="exact_match",
        comparisons=against_base,
        against_champion=None,
        champion_version=None,
        stopped={"base": 0.93, "tuned": 1.0},
        gate=gate,
        adapter="runs/20261120-184500-a1b2/adapter",
        tracking=TrackingSummary(
            tracking_uri="sqlite:///mlruns/mlflow.db",
            experiment="tickets",
            mlflow_run_id="0f" * 16,
            model="tickets",
            version=1,
            aliases=("champion",),
            problem=None,
        ),
        receipts=tuple(
            ReceiptSummary(
                agent=agent,
                file=f"receipts/{number}-{agent}.json",
                model="rules",
                tool_calls=number + 2,
                seconds=1.5 * number,
                tokens=0,
                fell_back=number == 3,
            )
            for number, agent in enumerate(
                ("data_manager", "training_specialist", "evaluation_expert", "mlflow_monitor"), 1
            )
        ),
        losses=tuple(
            LossPoint(
                step=step,
                loss=0.35 + 2.8 / (1 + step / 12) + 0.1 * (step % 3),
                eval_loss=0.45 + 2.7 / (1 + step / 11) if step % 20 == 0 else None,
            )
            for step in range(1, 121)
        ),
        samples=choose_samples(answered, base=exact["base"], tuned=exact["tuned"]),
        seconds=131.4,
        next_command="make chat",
    )
