"""The verdict on one screen of a terminal."""

from pathlib import Path

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from tools.evaluation.verdict import Verdict

_TITLES = {"exact_match": "exact match", "rouge_l": "ROUGE-L", "loss": "loss"}


def show_verdict(verdict: Verdict, data_dir: Path, console: Console) -> None:
    """Print `verdict`: the figures, why, where everything is, and the next command."""
    better = verdict.verdict == "better"
    colour = "green" if better else "yellow"
    headline = f"[bold {colour}]{verdict.verdict.upper()}[/]: {escape(verdict.goal)}"
    reasons = "\n".join(_reasons(verdict))
    parts = (headline, "", _figures(verdict), "", reasons, "", _places(verdict, data_dir))
    console.print()
    console.print(
        Panel(
            Group(*parts),
            title=f"Verdict of run {verdict.run_id}, {verdict.seconds:.0f} s",
            border_style=colour,
        )
    )
    console.print(f"Next: [bold]{escape(verdict.next_command)}[/bold]")


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


def _reasons(verdict: Verdict) -> list[str]:
    return [
        f"{'[green]yes[/]' if check.passed else '[yellow]no [/]'} {escape(check.reason)}"
        for check in verdict.gate.checks
    ]


def _places(verdict: Verdict, data_dir: Path) -> Table:
    tracking, run = verdict.tracking, data_dir / "runs" / verdict.run_id
    rows = [
        ("Adapter", str(data_dir / verdict.adapter)),
        ("Report", str(run / "report.html")),
        ("Figures", str(run / "verdict.json")),
        ("MLflow run", tracking.mlflow_run_id or f"not recorded: {tracking.problem}"),
    ]
    if tracking.version is not None:
        aliases = ", ".join(tracking.aliases) or "no alias"
        rows.append(("Registered", f"{tracking.model} version {tracking.version} ({aliases})"))
    for receipt in verdict.receipts:
        fell = ", the rules stepped in" if receipt.fell_back else ""
        rows.append(
            (
                receipt.agent,
                f"{run / receipt.file}  ({receipt.tool_calls} tool calls, "
                f"{receipt.seconds:.0f} s, {receipt.model}{fell})",
            )
        )
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, place in rows:
        table.add_row(name, escape(place))
    return table
