"""What a job came to, in a few lines. All of it is in `jobs show --json`."""

from collections.abc import Iterator
from typing import Any

from crewtune.counted import counted
from crewtune.jobs import Job

_SHOWN_PROBLEMS = 3


def outcome(job: Job) -> Iterator[str]:
    """Yield what the ended `job` came to, a line each."""
    if job.error is not None:
        yield f"{job.error.reason} ({job.error.code})"
    result = job.result or {}
    if job.kind == "import":
        yield from _import(result)
    elif job.kind in ("repair", "rehearse"):
        yield from _repair(result)
    elif job.kind == "train":
        yield from _train(result.get("training") or {}, job)
    elif job.kind == "recommend":
        yield from _recommend(result)
    elif job.kind == "evaluate":
        yield from _verdict(result.get("gate") or {})
    elif job.kind == "crew":
        verdict = result.get("verdict") or {}
        yield from _verdict({**verdict, **(verdict.get("gate") or {})})


def _import(result: dict[str, Any]) -> Iterator[str]:
    if "rows_imported" in result:
        left_out = result.get("problem_count") or 0
        said = f", {left_out} left out" if left_out else ""
        yield f"{counted(result['rows_imported'], 'row')} as {result.get('name')!r}{said}"
        for one in (result.get("problems") or ())[:_SHOWN_PROBLEMS]:
            yield f"row {one['row']}: {one['problem']}. {one['remedy']}"


def _repair(result: dict[str, Any]) -> Iterator[str]:
    for one in result.get("repairs") or ():
        kind, left_out = one["kind"].replace("_", " "), one["rows_read"] - one["rows_kept"]
        yield f"{kind}: {counted(one['rows_changed'], 'row')} changed, {left_out} left out"
    split = result.get("split")
    if split:
        yield (
            f"{result['verdict']}: {counted(split['train_rows'], 'row')} to train on, "
            f"{split['validation_rows']} to watch the loss, {split['heldout_rows']} held out"
        )
    elif "version" in result:
        rows = counted(result["rows"], "row")
        yield f"{result['dataset']!r} is now {result['version']}: {rows}"


def _train(training: dict[str, Any], job: Job) -> Iterator[str]:
    shown = {"steps": "steps", "train_loss": "loss", "eval_loss": "eval loss"}
    told = (f"{shown[key]} {_short(training[key])}" for key in shown if key in training)
    line = ", ".join(told)
    if line:
        yield line
    if training:
        yield f"Is it better than its base? crewtune eval {job.number}"


def _recommend(result: dict[str, Any]) -> Iterator[str]:
    for name, reason in (result.get("reasons") or {}).items():
        yield f"{name}: {(result.get('recipe') or {}).get(name)}  ({reason})"


def _verdict(gate: dict[str, Any]) -> Iterator[str]:
    if "verdict" in gate:
        yield f"Verdict: {gate['verdict']}"
    yield from (str(reason) for reason in gate.get("reasons") or ())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
