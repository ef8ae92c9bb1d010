"""`crewtune data preview`: rows as a model reads them, the tokens that it learns in colour."""

from typing import Annotated, Any

import typer
from rich.text import Text

from crewtune.commands.following import watch
from crewtune.commands.screen import Screen, plain
from crewtune.commands.session import REFUSED, JsonOption, UrlOption, open_session

_LEARNT = "black on green"
_CUT = "strike red"
_SPECIAL = "bold magenta"


def preview(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of one of your datasets.")
    ] = None,
    model: Annotated[str, typer.Option(help="Whose tokenizer is used.")] = "tiny-instruct",
    row: Annotated[
        list[int] | None, typer.Option(min=1, help="Number of a row. May be given several times.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A text in place of a dataset.")] = None,
    max_length: Annotated[int | None, typer.Option(min=16, help="In tokens.")] = None,
    chat_template: Annotated[
        str | None, typer.Option(help="own, alpaca, chatml, llama3, ... for a base model.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show rows as tokens: green is learnt, magenta is a marker, struck out is cut.

    Says for each row whether a training would take it, and if not, why and what to do.

    \b
    Examples:
      crewtune data preview requests --model tiny-instruct
      crewtune data preview requests --row 17 --row 204 --max-length 512
      crewtune data preview --text "The unit beeps." --model tiny-instruct
    """
    if (name is None) == (text is None):
        raise typer.BadParameter("Give the name of a dataset, or --text.")
    with open_session(context, url, as_json) as session:
        asked = session.studio.preview_tokens(
            model,
            dataset=name,
            rows=row or (),
            text=text,
            max_length=max_length,
            chat_template=chat_template,
        )
        # The first one may have to build or fetch the model, which takes minutes.
        job = session.studio.wait(asked.id) if as_json else watch(session, asked)
        session.screen.json(job.result if job.succeeded else {"job": job})
        if job.error is not None:
            session.screen.remark(f"{job.error.reason} ({job.error.code})")
            raise typer.Exit(REFUSED)
        _show(session.screen, job.result or {})


def _show(screen: Screen, shown: dict[str, Any]) -> None:
    if screen.as_json:
        return
    screen.print(f"Chat template: {shown['chat_template']}. Green is learnt.")
    for row in shown["rows"]:
        _show_row(screen, row)


def _show_row(screen: Screen, row: dict[str, Any]) -> None:
    learnt = f"{row['tokens_in_loss']} of {row['length']} tokens are learnt"
    screen.out.print(plain(f"Row {row['row']}: {row['verdict'].replace('_', ' ')}, {learnt}."))
    if row["reason"]:
        screen.remark(f"  {row['reason']}")
    line = Text()
    for token in row["tokens"]:
        line.append(plain(token["text"].replace("\n", "⏎")).plain, style=_style(token))
    screen.out.print(line)


def _style(token: dict[str, Any]) -> str:
    if token["cut"]:
        return _CUT
    if token["in_loss"]:
        return _LEARNT
    return _SPECIAL if token["special"] else ""
