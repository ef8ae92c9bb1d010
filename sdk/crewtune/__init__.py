"""A client of the CrewTune studio, and its command line.

    from crewtune import Studio

    studio = Studio("http://127.0.0.1:8000", api_key="ct_...")
    upload = studio.upload("requests.jsonl")
    studio.wait(studio.add_dataset("requests", upload=upload.upload).id)
    training = studio.train("tiny-instruct", "requests", recipe={"num_train_epochs": 3})
    for event in studio.follow(training.id):
        print(event.type, event.data)
    print(studio.job(training.id).result)

Not covered: training itself. Importing this loads none of the studio's packages.
"""

from crewtune.accounts import ApiKey, Invitation, NewApiKey, NewInvitation, Registration, User
from crewtune.connection import Retry
from crewtune.credentials import Credentials, FileStore, MemoryStore, TokenStore
from crewtune.data_models import (
    Audit,
    Change,
    Dataset,
    Finding,
    FindingPage,
    Remark,
    Row,
    RowPage,
    Upload,
    Version,
)
from crewtune.datasets import SAMPLE, Source
from crewtune.errors import ApiError, FieldProblem, NotSignedIn, Unreachable
from crewtune.jobs import Event, Job, JobError, JobPage
from crewtune.studio import Studio
from crewtune.system import Disk, MlflowState, QueueState, System
from crewtune.work import Experiment, Found, HubPage, Model, Point, Recommendation

__all__ = [
    "SAMPLE",
    "ApiError",
    "ApiKey",
    "Audit",
    "Change",
    "Credentials",
    "Dataset",
    "Disk",
    "Event",
    "Experiment",
    "FieldProblem",
    "FileStore",
    "Finding",
    "FindingPage",
    "Found",
    "HubPage",
    "Invitation",
    "Job",
    "JobError",
    "JobPage",
    "MemoryStore",
    "MlflowState",
    "Model",
    "NewApiKey",
    "NewInvitation",
    "NotSignedIn",
    "Point",
    "QueueState",
    "Recommendation",
    "Registration",
    "Remark",
    "Retry",
    "Row",
    "RowPage",
    "Source",
    "Studio",
    "System",
    "TokenStore",
    "Unreachable",
    "Upload",
    "User",
    "Version",
]
