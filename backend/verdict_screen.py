"""The verdict on one screen of a terminal."""

from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table

from backend.terminal import plain
from tools.evaluation.verdict import ReceiptSummary, Verdict

_TITLES = {"exact_match": "exact match", "rouge_l": "ROUGE-L", "loss": "loss"}


def show_verdict(verdict: Verdict, data_dir: Path, console: Console) -> None:
    """Print `verdict`: the figures, why, where everything is, and the next command."""
    as_wished = (verdict.verdict == "better") != verdict.dataset.shuffled_labels
    colour = "green" if as_wished else "yellow"
    headline = f"[bold {colour}]{_outcome(verdict)}[/]: {plain(verdict.goal)}"
    remarks = "\n".join(f"[yellow]{plain(one)}[/]" for one in verdict.remarks)
    tables = (_figures(verdict), "", _reasons(verdict), remarks, _places(verdict, data_dir))
    console.print()
    console.print(
        Panel(
            Group(headline, "", *tables),
            title=f"Verdict of run {verdict.run_id}, {verdict.seconds:.0f} s",
            border_style=colour,
        )
    )
    # Not wrapped: it is there to be copied.
    console.print(f"Next: [bold]{plain(verdict.next_command)}[/bold]", soft_wrap=True)


def _outcome(verdict: Verdict) -> str:
    """Return the verdict in words, with what it means for today's champion."""
    if verdict.dataset.shuffled_labels:
        passed = verdict.verdict == "not better"
        return "SELF-TEST PASSED, not better" if passed else "SELF-TEST FAILED, better by luck"
    if verdict.verdict == "better" and not verdict.gate.promote:
        return "BETTER THAN ITS BASE, but not proven better than the champion, which stays"
    return verdict.verdict.upper()


def _figures(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{verdict.dataset.rows_heldout} held-out rows")
    for title in ("base", "tuned", "difference", "95 % interval"):
        table.add_column(title, justify="right")
    table.add_column("")
    for one in verdict.comparisons:
        table.add_row(
            _TITLES.get(one.metric, one.metric),
            f"{one.baseline:.3f}",
            f"{one.candidate:.3f}",
            f"{one.difference:+.3f}",
            f"{one.low:+.3f} to {one.high:+.3f}",
            "decides" if one.metric == verdict.primary_metric else "",
        )
    return table


def _reasons(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in verdict.gate.checks:
        table.add_row("[green]yes[/]" if check.passed else "[yellow]no[/]", plain(check.reason))
    return table


def _places(verdict: Verdict, data_dir: Path) -> Table:
    tracking = verdict.tracking
    rows = [
        ("Run folder", str(data_dir / "runs" / verdict.run_id)),
        ("  in it", "adapter/, report.html, verdict.json (docs/verdict.md), recipe.yaml"),
        ("MLflow run", tracking.mlflow_run_id or f"not recorded: {tracking.problem}"),
    ]
    if tracking.version is not None:
        aliases = ", ".join(tracking.aliases) or "no alias"
        rows.append(("Registered", f"{tracking.model} version {tracking.version} ({aliases})"))
    rows += [(receipt.agent, _receipt(receipt)) for receipt in verdict.receipts]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, place in rows:
        table.add_row(name, plain(place))
    return table


def _receipt(receipt: ReceiptSummary) -> str:
    fell = ", after the model gave no usable answer" if receipt.fell_back else ""
    return (
        f"{receipt.file}: tools called {receipt.tool_calls} times, {receipt.seconds:.0f} s, "
        f"{receipt.model}{fell}"
    )
