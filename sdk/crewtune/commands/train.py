"""`crewtune train` and `crewtune eval`."""

from pathlib import Path
from typing import Annotated

import typer

from crewtune.commands.following import started
from crewtune.commands.session import (
    FollowOption,
    JsonOption,
    SeedOption,
    UrlOption,
    open_session,
)
from crewtune.recipe_file import Value, read_change, read_recipe

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model that is here, or an id on the Hub: org/name[@revision]."
    ),
]
DatasetArgument = Annotated[
    str, typer.Argument(metavar="DATASET", help="Name of one of your datasets.")
]


def train(
    context: typer.Context,
    model: ModelArgument,
    dataset: DatasetArgument,
    recipe: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML or JSON file of recipe fields."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="One field of the recipe; goes before the file's."
        ),
    ] = None,
    seed: SeedOption = 42,
    follow: FollowOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train an adapter for MODEL on DATASET.

    What the recipe leaves open is recommended for this model, dataset and machine.

    \b
    Examples:
      crewtune train tiny-instruct requests --follow
      crewtune train Qwen/Qwen3-0.6B requests --recipe recipe.yaml --seed 7
      crewtune train tiny-instruct requests --set learning_rate=1e-4 --set num_train_epochs=5
    """
    fields = _fields(recipe, changes or [])
    with open_session(context, url, as_json) as session:
        job = session.studio.train(model, dataset, recipe=fields, seed=seed)
        started(session, job, follow_it=follow)


def evaluate(
    context: typer.Context,
    training: Annotated[
        str,
        typer.Argument(metavar="TRAINING", help="Number or id of a training that succeeded."),
    ],
    follow: FollowOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a training with its base, on rows it never saw.

    \b
    Examples:
      crewtune eval 12 --follow
      crewtune eval 12 --follow --json | jq -r 'select(.job).job.result.gate.verdict // empty'
    """
    with open_session(context, url, as_json) as session:
        job = session.studio.evaluate(session.job(training).id)
        started(session, job, follow_it=follow)


def _fields(recipe: Path | None, changes: list[str]) -> dict[str, Value]:
    try:
        fields = read_recipe(recipe) if recipe else {}
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--recipe") from error
    try:
        return {**fields, **dict(read_change(change) for change in changes)}
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error
