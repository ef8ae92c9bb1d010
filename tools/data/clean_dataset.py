"""Clean the texts of a dataset: encoding, Unicode, unseen characters, white space, markup.

Each step is counted by the rows it changed. The source stays as it is, so a cleaning is undone by
going back to the version before.

The steps are repeated until nothing changes any more, so cleaning a clean text changes nothing. A
text that does not come to rest within eight rounds is left as it was.

Not covered: spelling, wrong facts, translations, markup other than HTML.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import with_texts
from tools.progress import NoProgress, Progress

CleaningStep = Literal["encoding", "unicode", "unseen", "white_space", "markup"]

# Markup may be what a model is to learn, so taking it away is asked for.
USUAL_STEPS: tuple[CleaningStep, ...] = ("encoding", "unicode", "unseen", "white_space")

_ROUNDS = 8
_LISTED_ROWS = 20
# Control characters, the byte order mark, the zero-width space, the soft hyphen and the tags block.
# Not the zero-width joiners: emoji and several scripts are spelt with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\x85")
_TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]+(?=\n)")
_BLANK_LINES = re.compile(r"\n{4,}")
# Names of HTML alone: `a < b > c` and List<String> are no markup.
_MARKUP = re.compile(
    r"</?(?:a|abbr|article|b|blockquote|body|br|button|caption|center|cite|code|dd|del|div|dl|dt|em"
    r"|embed|fieldset|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd"
    r"|label|legend|li|link|main|mark|meta|nav|object|ol|option|p|pre|q|s|script|section|select"
    r"|small|span|strike|strong|style|sub|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|tt"
    r"|u|ul|video)(?:\s[^<>]*)?/?>|<!--",
    re.IGNORECASE,
)
# The parser refuses sections that it does not know.
_SECTION = re.compile(r"<!\[(?:CDATA\[|(?:if|else|endif)\b[^<>]{0,80}>)?", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp);", re.IGNORECASE)
_NO_TEXT = ("script", "style")
_BLOCKS = ("p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre")


class CleanReport(BaseModel):
    """What `clean` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int
    rows_changed: int
    changed: dict[CleaningStep, int] = Field(description="Rows that each step changed.")
    first_rows: dict[CleaningStep, tuple[int, ...]] = Field(
        description="The numbers of the first 20 of them."
    )


def clean(
    source: Path,
    target_dir: Path,
    *,
    steps: Sequence[CleaningStep] = USUAL_STEPS,
    progress: Progress | None = None,
) -> CleanReport:
    """Write `source` with clean texts as a new version to `target_dir`.

    Args:
        source: A dataset version.
        target_dir: The folder of the dataset versions.
        steps: What is cleaned. The order is always the same.
        progress: Is asked whether to stop.

    Raises:
        DatasetError: `source` is missing or malformed.
    """
    tally = _Tally()
    rows = tally.counted(read_conversations(source), steps, progress or NoProgress())
    version = write_version(target_dir, label_of(source), rows)
    return CleanReport(
        dataset=version.stem,
        rows_read=tally.read,
        rows_changed=tally.changed,
        changed={step: tally.steps[step] for step in steps if tally.steps[step]},
        first_rows={step: tuple(tally.first[step]) for step in steps if tally.steps[step]},
    )


def clean_text(
    text: str, steps: Sequence[CleaningStep] = USUAL_STEPS
) -> tuple[str, frozenset[CleaningStep]]:
    """Return `text` cleaned, and the steps that changed it."""
    original, changed = text, set[CleaningStep]()
    ordered = [step for step in get_args(CleaningStep) if step in steps]
    for _ in range(_ROUNDS):
        before = text
        for step in ordered:
            cleaned = _CLEANERS[step](text)
            if cleaned != text:
                changed.add(step)
                text = cleaned
        if text == before:
            return text, frozenset(changed)
    return original, frozenset()


class _Tally:
    """Counts what happens to rows that pass through."""

    def __init__(self) -> None:
        self.read = self.changed = 0
        self.steps: Counter[CleaningStep] = Counter()
        self.first: dict[CleaningStep, list[int]] = {}

    def counted(
        self, rows: Iterable[Conversation], steps: Sequence[CleaningStep], progress: Progress
    ) -> Iterator[Conversation]:
        for row in rows:
            if self.read % 1000 == 0:
                progress.check()
            self.read += 1
            found: set[CleaningStep] = set()
            cleaned = with_texts(row, partial(_clean_and_note, steps=steps, found=found))
            self.changed += bool(found)
            for step in found:
                self.steps[step] += 1
                first = self.first.setdefault(step, [])
                if len(first) < _LISTED_ROWS:
                    first.append(row.row)
            yield cleaned


def _clean_and_note(text: str, *, steps: Sequence[CleaningStep], found: set[CleaningStep]) -> str:
    cleaned, changed = clean_text(text, steps)
    found.update(changed)
    return cleaned


def _encoding(text: str) -> str:
    """Undo UTF-8 that was read as another encoding, such as `cafÃ©`."""
    if text.isascii():
        return text
    import ftfy

    return ftfy.fix_encoding(text)


def _unicode(text: str) -> str:
    # NFC and not NFKC: superscripts and ligatures mean something in formulas and names.
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _unseen(text: str) -> str:
    return _UNSEEN.sub("", text)


def _white_space(text: str) -> str:
    """Take away what nobody sees; the indentation of code stays."""
    text = _LINE_ENDS.sub("\n", text)
    return _BLANK_LINES.sub("\n\n\n", _TRAILING.sub("", text)).strip()


def _markup(text: str) -> str:
    if not _MARKUP.search(text):
        return _ENTITY.sub(_unescaped, text) if "&" in text else text
    reader = _TextReader()
    # Behind the last bracket no tag ends; the parser would look for its end at every `<` there.
    tagged, bracket, rest = _without_comments(text).rpartition(">")
    reader.feed(f"{tagged}{bracket}")
    reader.close()
    reader.handle_data(html.unescape(rest))
    return "".join(reader.pieces)


def _without_comments(text: str) -> str:
    # Not by the parser: it looks for the end of an unclosed comment again at every `<`.
    pieces, place = [], 0
    while (begin := text.find("<!--", place)) >= 0 and (end := text.find("-->", begin)) >= 0:
        pieces.append(text[place:begin])
        place = end + 3
    pieces.append(text[place:].replace("<!--", ""))
    return _SECTION.sub("", "".join(pieces))


class _TextReader(HTMLParser):
    """Keeps the text of HTML. It builds no tree, so deep nesting costs nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _NO_TEXT
        if tag == "br":
            self.pieces.append("\n")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _NO_TEXT and self._hidden > 0
        if tag in _BLOCKS:
            self.pieces.append("\n")

    @override
    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _unescaped(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


_CLEANERS: dict[CleaningStep, Callable[[str], str]] = {
    "encoding": _encoding,
    "unicode": _unicode,
    "unseen": _unseen,
    "white_space": _white_space,
    "markup": _markup,
}
