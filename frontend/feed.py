"""The events of a job, kept between the refreshes of a page so that each is asked for once."""

from dataclasses import dataclass, field

import streamlit as st

from crewtune import Event, Studio


@dataclass
class Feed:
    """What a job has said so far."""

    after: int = 0
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Keep one event. A step that is measured again, after a resume, replaces the old value."""
        self.after, data = event.sequence, event.data
        if event.type == "metric" and data["value"] is not None:
            self.metrics.setdefault(data["name"], {})[data["step"]] = data["value"]
        elif event.type == "log":
            self.logs.append(data["message"])


def read_feed(client: Studio, job_id: str) -> Feed:
    """Return all that the job has said, asking only for what is new."""
    feeds: dict[str, Feed] = st.session_state.setdefault("feeds", {})
    feed = feeds.setdefault(job_id, Feed())
    for event in client.events(job_id, after=feed.after):
        feed.take(event)
    return feed
