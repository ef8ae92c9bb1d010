"""Uploads: a file is sent once, then imported by the name it is given here."""

import os
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response, UploadFile, status
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from backend.deps import Writer, get_accounts, get_caller
from backend.errors import refused_field
from backend.owned import WorkspaceDep
from backend.problems import problems
from backend.strict_json import StrictRoute
from tools.data.read_rows import PACKED_SUFFIXES, SUFFIXES, data_suffix
from tools.workspace import slug

_SHOWN_CHARACTERS = 120
_HEAD_BYTES = 4096
_AROUND_BYTES = 65_536  # of the multipart body around the file


def uploads_router(most_bytes: int) -> APIRouter:
    """Return the route that takes a file of at most so many bytes."""
    router = APIRouter(prefix="/uploads", tags=["data"], route_class=_SignedInFirst)
    router.add_api_route(
        "",
        receive_upload,
        methods=["POST"],
        status_code=status.HTTP_201_CREATED,
        summary="Send a data file",
        responses=problems(400, 401, 403, 413, 415, 422, 507),
        max_body_size=most_bytes + _AROUND_BYTES,
    )
    return router


class _SignedInFirst(StrictRoute):
    """A route that asks who sends before it takes a large body; the framework reads it first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the question before it."""
        handle = super().get_route_handler()

        async def handle_if_signed_in(request: Request) -> Response:
            await run_in_threadpool(get_caller, request, await get_accounts(request), None)
            return await handle(request)

        return handle_if_signed_in


# How files begin that are no text.
_MAGIC: dict[str, tuple[bytes, ...]] = {
    "parquet": (b"PAR1",),
    "arrow": (b"ARROW1", b"\xff\xff\xff\xff"),
    "gz": (b"\x1f\x8b",),
    "zst": (b"\x28\xb5\x2f\xfd",),
}


class UploadPublic(BaseModel):
    """A file that was received."""

    model_config = ConfigDict(frozen=True)

    upload: str = Field(description="Give this name to POST /api/datasets.")
    bytes: int
    filename: str = Field(description="What it was called, for showing only.")


def receive_upload(file: UploadFile, _user: Writer, workspace: WorkspaceDep) -> UploadPublic:
    """Keep a JSONL, JSON, CSV or Parquet file until it is imported."""
    shown = _shown_name(file.filename or "")
    suffix = data_suffix(shown)
    if suffix is None:
        kinds = ", ".join((*SUFFIXES, *PACKED_SUFFIXES))
        raise refused_field("/file", "unsupported_type", f"Send one of {kinds}.", status=415)
    _check_head(file, suffix)
    upload = uuid4().hex
    folder = workspace.uploads / upload
    # Written aside: a file that is there is whole.
    aside = workspace.uploads / f".{upload}"
    try:
        aside.mkdir()
        size = _write(file, aside / f"{slug(shown[: -len(suffix)])}{suffix}")
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return UploadPublic(upload=upload, bytes=size, filename=shown)


def _write(file: UploadFile, path: Path) -> int:
    with path.open("xb") as target:
        shutil.copyfileobj(file.file, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
        return target.tell()


def _shown_name(name: str) -> str:
    """Return what is fit to be shown of a name that anybody may have made up."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[-_SHOWN_CHARACTERS:] or "unnamed"


def _check_head(file: UploadFile, suffix: str) -> None:
    head = file.file.read(_HEAD_BYTES)
    file.file.seek(0)
    if not head:
        raise refused_field("/file", "empty", "The file is empty.")
    # UTF-16 has null bytes too, and a mark at its beginning.
    text = b"\x00" not in head or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    claimed = _MAGIC.get(suffix.rpartition(".")[2])
    others = tuple(magic for magics in _MAGIC.values() for magic in magics)
    if not head.startswith(claimed) if claimed else head.startswith(others) or not text:
        detail = f"The content is not that of a {suffix} file."
        raise refused_field("/file", "type_mismatch", detail, status=415)
