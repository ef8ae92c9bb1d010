"""A studio in memory: it answers the screens as `crewtune.Studio` does, and notes what is asked."""

from pathlib import Path
from typing import Any
from uuid import UUID

from crewtune import (
    ApiError,
    Audit,
    Change,
    Dataset,
    Disk,
    Event,
    Experiment,
    FindingPage,
    Found,
    HubPage,
    Invitation,
    Job,
    JobPage,
    MlflowState,
    Model,
    NewInvitation,
    NotSignedIn,
    Point,
    QueueState,
    Registration,
    Row,
    RowPage,
    System,
    Upload,
    User,
    Version,
)
from tests.frontend.answers import ADVICE, HOSTILE, NOW, RECEIPT, a_job
from tests.frontend.data_answers import (
    AUDIT,
    INSPECTION,
    PREVIEW,
    REHEARSED,
    REPAIRED,
    VERSIONS,
)


class FakeStudio:
    """Holds what it is told to hold. `refusal` is what every change is refused with."""

    def __init__(
        self,
        *,
        jobs: tuple[Job, ...] = (),
        datasets: tuple[Dataset, ...] = (),
        refusal: str | None = None,
        role: str = "member",
    ) -> None:
        self.kept_jobs = list(jobs)
        self.kept_datasets = list(datasets)
        self.refusal = refusal
        self.role = role
        self.signed_in = True
        self.asked: list[tuple[str, Any]] = []
        self.kept_events: list[Event] = []
        self.hub_note: str | None = None
        self.finds: tuple[Found, ...] = (
            Found(id="org/model", downloads=12_345, likes=9, licence="mit", gated=True),
            Found(id=HOSTILE),
        )
        self.runs: list[Experiment] = []
        self.setup_needed = False
        self.kept_models = [Model(name="tiny-instruct", kind="bundled", bytes=4_400_000)]
        self.kept_audit = AUDIT
        self.rows_a_page = 1000
        self.kept_changes = [Change(row=3, before=(HOSTILE,), after=("[EMAIL]",))]
        self.kept_versions = VERSIONS
        self.kept_inspection: dict[str, Any] = {"status": "succeeded", "result": INSPECTION}

    def _note(self, what: str, *given: Any) -> None:
        self.asked.append((what, *given) if len(given) != 1 else (what, given[0]))
        if self.refusal:
            raise ApiError(422, "refused", self.refusal)

    def _start(self, kind: str, **changes: Any) -> Job:
        job = a_job(len(self.kept_jobs) + 1, kind, **changes)
        self.kept_jobs.insert(0, job)
        return job

    def say(self, kind: str, **data: Any) -> None:
        """Let every job have had one more event."""
        number = len(self.kept_events) + 1
        event = Event(sequence=number, at=NOW, type=kind, data=data, final=False)
        self.kept_events.append(event)

    # Accounts
    def registration(self) -> Registration:
        return Registration(setup_needed=self.setup_needed, open=False)

    def set_up(self, setup_code: str, username: str, password: str) -> User:
        self._note("set_up", setup_code, username, password)
        self.setup_needed = False
        return self.me()

    def register(self, username: str, password: str, invitation_code: str | None = None) -> User:
        self._note("register", username, password, invitation_code)
        return self.me()

    def sign_in(self, username: str, password: str) -> User:
        if self.refusal:
            raise NotSignedIn(401, "invalid_credentials", self.refusal)
        self.asked.append(("sign_in", username, password))
        return self.me()

    def sign_out(self) -> None:
        self._note("sign_out")

    def me(self) -> User:
        if not self.signed_in:
            raise NotSignedIn(401, "invalid_token", "The sign-in has ended. Sign in again.")
        user_id = UUID(int=1)
        return User(id=user_id, username="anna", role=self.role, active=True, created_at=NOW)

    def users(self) -> list[User]:
        return [self.me()]

    def api_keys(self) -> list[Any]:
        return []

    def invitations(self) -> list[Invitation]:
        return []

    def invite(self, role: str = "member") -> NewInvitation:
        self._note("invite", role)
        return NewInvitation(
            id=UUID(int=7), role=role, created_at=NOW, expires_at=NOW, code="inv_secret"
        )

    # Jobs
    def jobs(self, *, kind: str | None = None, limit: int | None = None) -> JobPage:
        if not self.signed_in:
            self.me()
        found = [job for job in self.kept_jobs if kind in (None, job.kind)]
        return JobPage(jobs=tuple(found[:limit]), before=None)

    def job(self, job_id: UUID | str) -> Job:
        return next(job for job in self.kept_jobs if str(job.id) == str(job_id))

    def cancel(self, job_id: UUID | str) -> Job:
        self._note("cancel", str(job_id))
        return self.job(job_id)

    def resume(self, job_id: UUID | str) -> Job:
        self._note("resume", str(job_id))
        return self._start("train")

    def events(self, job_id: UUID | str, *, after: int = 0) -> list[Event]:
        self.asked.append(("events", after))
        return [event for event in self.kept_events if event.sequence > after]

    # Data
    def upload(self, path: Path) -> Upload:
        self._note("upload", path.name)
        return Upload(upload="abc.jsonl", bytes=path.stat().st_size, filename=path.name)

    def add_dataset(self, name: str, **source: Any) -> Job:
        self._note("add_dataset", name, {key: it for key, it in source.items() if it})
        return self._start("import", request={"name": name})

    def datasets(self) -> list[Dataset]:
        return self.kept_datasets

    def rows(
        self, name: str, *, offset: int = 0, limit: int = 20, row: int | None = None
    ) -> RowPage:
        messages = ({"role": "user", "content": HOSTILE}, {"role": "assistant", "content": "Hi"})
        numbers = range(offset + 1, offset + limit + 1) if row is None else [row]
        rows = [Row(row=number, messages=messages) for number in numbers[: self.rows_a_page]]
        return RowPage(rows=tuple(rows), total=25)

    def audit(self, name: str) -> Audit:
        return self.kept_audit

    def findings(self, name: str, **filters: Any) -> FindingPage:
        self.asked.append(("findings", {key: it for key, it in filters.items() if it}))
        audit = self.kept_audit
        return FindingPage(findings=audit.findings, total=1, counts=audit.counts)

    def versions(self, name: str) -> list[Version]:
        return self.kept_versions

    def card(self, name: str) -> str:
        return f"# {HOSTILE}"

    def set_policy(self, name: str, policy: dict[str, Any]) -> Dataset:
        self._note("set_policy", name, policy)
        return self.kept_datasets[0]

    def changes(self, name: str, policy: dict[str, Any]) -> list[Change]:
        self.asked.append(("changes", name, policy))
        return self.kept_changes

    def inspect(self, **source: Any) -> Job:
        self._note("inspect", {key: it for key, it in source.items() if it})
        return self._start("inspect", **self.kept_inspection)

    def repair(self, name: str, **what: Any) -> Job:
        self._note("repair", name, {key: it for key, it in what.items() if it})
        return self._start("repair", status="succeeded", result=REPAIRED)

    def rehearse(self, name: str) -> Job:
        self._note("rehearse", name)
        return self._start("rehearse", status="succeeded", result=REHEARSED)

    def preview_tokens(self, **asked: Any) -> Job:
        self._note("preview_tokens", asked)
        return self._start("preview", status="succeeded", result=PREVIEW)

    def remove_dataset(self, name: str) -> None:
        self._note("remove_dataset", name)
        self.kept_datasets = [one for one in self.kept_datasets if one.name != name]

    # Work
    def models(self) -> list[Model]:
        return self.kept_models

    def search_models(self, query: str, *, limit: int = 20) -> HubPage:
        self.asked.append(("search_models", query))
        return HubPage(found=self.finds, note=self.hub_note)

    def search_datasets(self, query: str, *, limit: int = 20) -> HubPage:
        self.asked.append(("search_datasets", query))
        return HubPage(found=self.finds[:1], note=self.hub_note)

    def recommend(self, model: str, dataset: str, *, seed: int = 42) -> Job:
        self._note("recommend", model, dataset, seed)
        asked = {"model": model, "dataset": dataset, "seed": seed}
        return self._start("recommend", status="succeeded", request=asked, result=ADVICE)

    def train(self, model: str, dataset: str, *, recipe: dict[str, Any], seed: int) -> Job:
        self._note("train", model, dataset, recipe, seed)
        return self._start("train")

    def evaluate(self, training: UUID | str) -> Job:
        self._note("evaluate", str(training))
        return self._start("evaluate")

    def start_crew(self, model: str, dataset: str, goal: str, **given: Any) -> Job:
        self._note("start_crew", model, dataset, goal, given)
        return self._start("crew")

    def receipts(self, job_id: UUID | str) -> list[dict[str, Any]]:
        return [RECEIPT]

    def report(self, job_id: UUID | str) -> str:
        return "<h1>Verdict</h1>"

    def experiments(self, *, limit: int | None = None) -> list[Experiment]:
        return self.runs

    def curves(self, run_ids: list[str], metric: str = "loss") -> dict[str, list[Point]]:
        self.asked.append(("curves", tuple(run_ids), metric))
        return {run_id: [Point(step=1, value=0.5)] for run_id in run_ids}

    def system(self) -> System:
        return System(
            version="0.1.0",
            hardware={"processor": "Test"},
            libraries={"torch": "2.13.0"},
            disk=Disk(total_gib=100, free_gib=60),
            queues={"gpu": QueueState(slots=1, running=1, waiting=2)},
            mlflow=MlflowState(url="http://127.0.0.1:5000", reachable=True),
            language_model=None,
        )
