"""Fetch the rows of a dataset from the Hugging Face Hub, at a commit that is recorded.

Rows are streamed, so a dataset of any size can be begun and nothing is stored twice. Only data
files of text tables inside the repository itself are read.

Not covered: datasets that need a loading script, images, audio, storage buckets.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tools.errors import DatasetError, ToolError

if TYPE_CHECKING:
    from datasets import DatasetBuilder, IterableDataset

Row = dict[str, object]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?")
_READ = ("json", "csv", "parquet", "text")
_LOCAL = "A file on this machine works as well: give its path."


def _checked_id(name: str) -> str:
    if not _ID.fullmatch(name) or ".." in name:
        raise DatasetError(
            f"{name[:80]!r} is not a dataset of the Hub. Write owner/name, e.g. tatsu-lab/alpaca."
        )
    return name


class HubDataset(BaseModel):
    """A dataset on the Hub."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, AfterValidator(_checked_id)] = Field(
        description="Owner and name, e.g. 'tatsu-lab/alpaca'."
    )
    config: str | None = Field(default=None, description="Configuration, where there are several.")
    split: str = "train"
    revision: str | None = Field(default=None, description="Branch, tag or commit.")


class FetchedDataset(NamedTuple):
    """The commit and configuration a dataset was found at, its rows and its licence."""

    revision: str
    config: str
    rows: Iterator[Row]
    licence: str | None = None


def fetch_dataset(dataset: HubDataset, *, token: str | None = None) -> FetchedDataset:
    """Find `dataset` on the Hub and begin to read it.

    Raises:
        DatasetError: It does not exist, may not be read, the Hub cannot be reached, or the
            configuration or the split is not there.
    """
    with _plain_words(dataset):
        name, revision, licence = _resolve(dataset, token)
        builder = _builder(dataset, name, revision, token)
        _check_files(dataset, builder)
        streamed = builder.as_streaming_dataset(split=dataset.split)
    return FetchedDataset(revision, str(builder.config.name), _rows(dataset, streamed), licence)


def _resolve(dataset: HubDataset, token: str | None) -> tuple[str, str, str | None]:
    """Return the dataset's full name, the commit its revision stands for, and its licence."""
    from huggingface_hub import HfApi

    # False, not None: a token that lies on this machine is not this user's.
    found = HfApi(token=token or False).dataset_info(dataset.id, revision=dataset.revision)
    # A name without an owner would be taken for a kind of file, such as "json".
    if found.sha is None or "/" not in found.id:
        raise DatasetError(f"Write the dataset {dataset.id!r} as owner/name. {_LOCAL}")
    licences = [tag.partition(":")[2] for tag in found.tags or () if tag.startswith("license:")]
    return found.id, found.sha, licences[0] if licences else None


def _builder(dataset: HubDataset, name: str, revision: str, token: str | None) -> "DatasetBuilder":
    from datasets import get_dataset_config_names, load_dataset_builder

    # With the scheme, a folder of the same name in the working directory is not taken instead.
    path = f"hf://datasets/{name}"
    access = {"revision": revision, "token": token or False}
    try:
        return load_dataset_builder(path, dataset.config, **access)
    except ValueError as error:
        configs = [str(config) for config in get_dataset_config_names(path, **access)]
        if dataset.config in configs or (dataset.config is None and len(configs) == 1):
            raise
        wanted = repr(dataset.config) if dataset.config else "as its default"
        raise DatasetError(
            f"The dataset {dataset.id!r} has no configuration {wanted}. Name one of: "
            f"{', '.join(configs[:40])}. {_LOCAL}"
        ) from error


def _check_files(dataset: HubDataset, builder: "DatasetBuilder") -> None:
    """Refuse what is not a table of text, and a split that is not there."""
    if builder.__module__.rpartition(".")[2] not in _READ:
        raise DatasetError(
            f"The dataset {dataset.id!r} does not consist of JSON, CSV, Parquet or text files. "
            f"{_LOCAL}"
        )
    splits = [str(split) for split in builder.config.data_files or ()]
    if dataset.split not in splits:
        raise DatasetError(
            f"The dataset {dataset.id!r} has no split {dataset.split!r}. "
            f"It has: {', '.join(splits[:40])}. {_LOCAL}"
        )


def _rows(dataset: HubDataset, streamed: "IterableDataset") -> Iterator[Row]:
    with _plain_words(dataset):
        yield from streamed


@contextmanager
def _plain_words(dataset: HubDataset) -> Iterator[None]:
    """Say what went wrong on the way to the Hub so that its reader can act on it."""
    try:
        yield
    except ToolError:
        raise
    # The card and the files are a stranger's: the libraries raise whatever they stumble on.
    except Exception as error:
        raise DatasetError(
            f"The dataset {dataset.id!r} {_reason(dataset, error)} {_LOCAL}"
        ) from error


def _reason(dataset: HubDataset, error: Exception) -> str:
    from httpx2 import HTTPError
    from huggingface_hub import errors

    # The first that fits; the later ones are more general.
    reasons: dict[type[Exception] | tuple[type[Exception], ...], str] = {
        errors.GatedRepoError: (
            "is gated: its owners ask you to accept their terms on its page. Then give your access "
            "token."
        ),
        errors.RepositoryNotFoundError: (
            "does not exist on the Hub, or it is private and needs an access token."
        ),
        errors.RevisionNotFoundError: f"has no revision {dataset.revision!r}.",
        errors.OfflineModeIsEnabled: "cannot be fetched while offline.",
        (HTTPError, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError): (
            "cannot be fetched: the Hub does not answer as expected. Try again later."
        ),
    }
    unreadable = "cannot be read: its files are no table of rows, or lie elsewhere."
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), unreadable)
