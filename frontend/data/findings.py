"""What was found in a dataset: remarks, findings that filter and lead to their rows, lengths."""

import altair as alt
import pandas as pd
import streamlit as st

from crewtune import Audit, Dataset, Finding, Studio
from frontend.data.rows import draw_page, go_to_row
from frontend.words import plain

_SHOWN_PAIRS = 20


def draw_findings(client: Studio, dataset: Dataset) -> None:
    """Draw the findings about a dataset."""
    audit = client.audit(dataset.name)
    _draw_numbers(audit)
    for remark in audit.remarks:
        say = st.error if remark.severity == "error" else st.warning
        say(f"{plain(remark.message)} {plain(remark.remedy)}")
    if not audit.counts:
        st.success("Nothing is wrong with its rows.")
    else:
        _draw_table(client, dataset, audit)
    _draw_lengths(audit)


def draw_duplicates(client: Studio, dataset: Dataset) -> None:
    """Draw rows that are the same, or nearly, side by side."""
    audit = client.audit(dataset.name)
    near = audit.near_duplicates
    pairs = [(first, row, "the same") for row, first in audit.repeated]
    # Rows that are the same are near duplicates as well: a pair is listed once.
    same = {frozenset((first, row)) for first, row, _ in pairs}
    pairs += [
        (min(one["twin"], one["row"]), max(one["twin"], one["row"]), f"{one['jaccard']:.0%} alike")
        for one in near.get("pairs", ())
        if frozenset((one["twin"], one["row"])) not in same
    ]
    st.caption(
        f"Rows that repeat an earlier one: {audit.repeats:,}. Others that are nearly the same "
        f"as another (Jaccard similarity from {near['threshold']:.2f}): "
        f"{near['rows_in_clusters']:,}. Repeats are left out of a training; near ones stay on one "
        "side of the split."
    )
    if not pairs:
        st.success("No row is like another.")
        return
    labels = [f"Rows {first} and {row}, {how}" for first, row, how in pairs[:_SHOWN_PAIRS]]
    chosen = st.selectbox(
        "Pair", range(len(labels)), format_func=labels.__getitem__, key="data_pair"
    )
    for side, number in zip(st.columns(2), pairs[chosen][:2], strict=True):
        with side:
            page = client.rows(dataset.name, row=number, limit=1)
            draw_page(page, narrow=True)


def _draw_numbers(audit: Audit) -> None:
    facts = {
        "Rows": f"{audit.rows:,}",
        "Usable": f"{audit.rows_usable:,}",
        "Repeats": f"{audit.repeats:,}",
        "Private values": f"{sum(audit.privacy.get('found', {}).values()):,}",
        "Marked by the scan": f"{audit.scan.get('rows_marked', 0):,}",
    }
    for place, (label, value) in zip(st.columns(len(facts)), facts.items(), strict=True):
        place.metric(label, value, border=True)
    if audit.languages:
        shares = (f"{name} {share:.0%}" for name, share in list(audit.languages.items())[:5])
        st.caption(f"Languages: {', '.join(shares)}")


def _draw_table(client: Studio, dataset: Dataset, audit: Audit) -> None:
    everything = f"all kinds ({sum(audit.counts.values()):,})"
    kinds = {everything: None} | {
        f"{code} ({count:,})": code
        for code, count in sorted(audit.counts.items(), key=lambda one: -one[1])
    }
    left, right = st.columns(2)
    kind = left.selectbox("Kind", list(kinds), key="data_finding_kind")
    severity = right.selectbox("Severity", ["any", "error", "warning"], key="data_finding_severity")
    page = client.findings(
        dataset.name,
        code=kinds[kind],
        severity=None if severity == "any" else severity,
        limit=500,
    )
    st.caption("Choose a line to see its row.")
    table = st.dataframe(
        [_line(one) for one in page.findings],
        hide_index=True,
        key="data_findings",
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = table["selection"]["rows"]
    if chosen and chosen[0] < len(page.findings):
        finding = page.findings[chosen[0]]
        number = finding.row
        st.caption(plain(f"{finding.message} {finding.remedy}"))
        draw_page(client.rows(dataset.name, row=number, limit=1))
        words = f"Go to row {number} among the rows"
        st.button(words, key="data_finding_jump", on_click=go_to_row, args=(number,))


def _line(finding: Finding) -> dict[str, object]:
    return {
        "Row": finding.row,
        "Severity": finding.severity,
        "Kind": finding.code,
        "Field": finding.field,
        "What": finding.message,
        "Remedy": finding.remedy,
    }


def _draw_lengths(audit: Audit) -> None:
    bins = audit.profile.get("lengths") or ()
    if not bins:
        return
    st.caption("Rows by length, in characters at most")
    table = pd.DataFrame(
        [(f"{bound:,}", count) for bound, count in bins], columns=["characters", "rows"]
    )
    chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(x=alt.X("characters:N", sort=None, title=None), y=alt.Y("rows:Q", title=None))
        .properties(height=160)
    )
    st.altair_chart(chart)
