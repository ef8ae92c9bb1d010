"""Show what a search of the Hub found."""

from crewtune.commands.screen import Screen, moment, size
from crewtune.work import HubPage


def show_hub_page(screen: Screen, page: HubPage) -> None:
    """Show what a search of the Hub found."""
    screen.json(page)
    screen.table(
        ("id", "downloads", "likes", "size", "licence", "gated", "updated"),
        (
            (
                one.id,
                one.downloads,
                one.likes,
                size(one.bytes),
                one.licence,
                "gated" if one.gated else "",
                moment(one.updated_at),
            )
            for one in page.found
        ),
        empty="Nothing was found.",
    )
    if page.note and not screen.as_json:
        screen.remark(page.note)
