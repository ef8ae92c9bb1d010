"""`crewtune data`, the care of a dataset: findings, policy, repairs, versions, card, rehearsal."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from crewtune.commands.following import started
from crewtune.commands.session import FollowOption, JsonOption, UrlOption, open_session
from crewtune.data_models import FindingPage

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of one of your datasets.")]
_STEPS = (
    "clean, redact, remove_marked, remove_invalid, deduplicate, remove_near_duplicates, "
    "remove_contaminated"
)


def findings(
    context: typer.Context,
    name: NameArgument,
    code: Annotated[str | None, typer.Option(help="Only this kind, e.g. empty_answer.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only error, or only warning.")] = None,
    row: Annotated[int | None, typer.Option(min=1, help="Only this row.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 50,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong with a dataset, row by row, with the remedy.

    \b
    Examples:
      crewtune data findings requests
      crewtune data findings requests --code refusal --limit 200
      crewtune data findings requests --severity error --json | jq '.findings[].row'
    """
    with open_session(context, url, as_json) as session:
        page = session.studio.findings(name, code=code, severity=severity, row=row, limit=limit)
        session.screen.json(page)
        session.screen.table(
            ("row", "field", "", "kind", "what", "remedy"),
            (
                (one.row, one.field, one.severity, one.code, one.message, one.remedy)
                for one in page.findings
            ),
            empty=_nothing(page),
        )
        if page.total > len(page.findings):
            session.screen.print(f"{len(page.findings)} of {page.total}. More: --limit")


def repair(
    context: typer.Context,
    name: NameArgument,
    step: Annotated[
        list[str] | None,
        typer.Option(help=f"{_STEPS}; or JSON with settings. May be given several times."),
    ] = None,
    back_to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Go back to this version.")
    ] = None,
    follow: FollowOption = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Repair a dataset as its policy says, or by the steps that are named. No version is lost.

    \b
    Examples:
      crewtune data repair requests
      crewtune data repair requests --step clean --step deduplicate
      crewtune data repair requests --step '{"kind": "remove_near_duplicates", "threshold": 0.9}'
      crewtune data repair requests --back-to requests-1f0c2ab94e77
    """
    steps = [_step(one) for one in step] if step else None
    with open_session(context, url, as_json) as session:
        job = session.studio.repair(name, steps=steps, version=back_to)
        started(session, job, follow_it=follow)


def rehearse(
    context: typer.Context,
    name: NameArgument,
    follow: FollowOption = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a training would begin with: the repairs and the split. Nothing is changed.

    \b
    Examples:
      crewtune data rehearse requests
    """
    with open_session(context, url, as_json) as session:
        started(session, session.studio.rehearse(name), follow_it=follow)


def policy(
    context: typer.Context,
    name: NameArgument,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="e.g. privacy.email=pseudonymise. Several values: a,b; no value: none. May be "
            "given several times.",
        ),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is done with findings before a training, or change it.

    \b
    Examples:
      crewtune data policy requests
      crewtune data policy requests --set privacy.email=pseudonymise --set privacy.ip=mask
      crewtune data policy requests --set near_duplicates=drop_row --set scan=strict
      crewtune data policy requests --set benchmarks=exam,quiz --set privacy.phone_region=none
    """
    with open_session(context, url, as_json) as session:
        dataset = session.studio.dataset(name)
        if change:
            dataset = session.studio.set_policy(name, _changed(dataset.policy, change))
        session.screen.json(dataset.policy)
        session.screen.facts(dict(_flat(dataset.policy)))


def versions(
    context: typer.Context, name: NameArgument, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show how a dataset was made, from its import on.

    \b
    Examples:
      crewtune data versions requests
    """
    with open_session(context, url, as_json) as session:
        steps = session.studio.versions(name)
        session.screen.json(steps)
        session.screen.table(
            ("version", "step", "rows kept", "of", "changed"),
            (
                (
                    one.version,
                    one.step.get("kind"),
                    one.report.get("rows_kept", one.report.get("rows_imported")),
                    one.report.get("rows_read"),
                    one.report.get("rows_changed"),
                )
                for one in steps
            ),
            empty="No record was kept of how it was made.",
        )


def card(
    context: typer.Context,
    name: NameArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the card of a dataset: source, counts, lengths, findings, versions. Markdown.

    \b
    Examples:
      crewtune data card requests
      crewtune data card requests -o DATASET.md
    """
    with open_session(context, url, as_json) as session:
        text = session.studio.card(name)
        session.screen.json({"markdown": text})
        if output is None:
            session.screen.print(text)
        else:
            output.write_text(text, encoding="utf-8")
            session.screen.print(f"{output} is written.")


def _step(given: str) -> dict[str, Any]:
    if not given.startswith("{"):
        return {"kind": given}
    try:
        step = json.loads(given)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"--step {given!r} is no JSON.") from error
    return dict(step)


def _changed(policy: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(policy))
    for change in changes:
        key, equals, value = change.partition("=")
        *path, last = key.split(".")
        place: Any = changed
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if not equals or not isinstance(place, dict) or last not in place:
            known = ", ".join(name for name, _ in _flat(policy))
            raise typer.BadParameter(f"--set {change!r}: the settings are {known}.")
        place[last] = _value(value, now=place[last])
    return changed


def _value(text: str, *, now: Any) -> Any:
    """Return what was typed in the shape of the setting's value `now`, as `policy` prints it."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    if isinstance(now, list):
        return [] if text == "none" else [one.strip() for one in text.split(",") if one.strip()]
    return "" if text == "none" else text


def _nothing(page: FindingPage) -> str:
    """Say that no finding fits the filters, or that there is none at all."""
    if not page.counts:
        return "Nothing is wrong with it."
    return f"None of its findings fits. It has: {', '.join(page.counts)}."


def _flat(policy: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in policy.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{before}{key}.")
        else:
            shown = ", ".join(value) or "none" if isinstance(value, list) else value
            rows.append((f"{before}{key}", shown if shown != "" else "none"))
    return rows
