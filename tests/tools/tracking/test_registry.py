from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tools.errors import TrackingError
from tools.evaluation.gate import GateCheck, GateDecision
from tools.files import sha256_of
from tools.tracking.earlier_runs import earlier_runs
from tools.tracking.fetch_adapter import fetch_adapter
from tools.tracking.mlflow_run import RunDescription
from tools.tracking.record_run import record_run
from tools.tracking.registry import (
    AliasReport,
    Champion,
    VersionReport,
    find_champion,
    model_name_for,
    move_champion,
    register_version,
)
from tools.tracking.store import TrackingStore

Tuned = Callable[[str], tuple[str, str]]


@pytest.fixture
def model() -> str:
    return f"tiny-{uuid4().hex}"


@pytest.fixture
def tuned(store: TrackingStore, tmp_path: Path, about: RunDescription) -> Tuned:
    """Records a run with an adapter of the given weights; answers with its id and hash."""

    def record(weights: str, *extra_files: str) -> tuple[str, str]:
        run_folder = tmp_path / f"run-{weights}"
        adapter = run_folder / "adapter"
        adapter.mkdir(parents=True)
        (adapter / "adapter_model.safetensors").write_text(weights)
        for name in ("adapter_config.json", *extra_files):
            (adapter / name).write_text("{}")
        report = record_run(
            store,
            run_folder,
            about=about.model_copy(update={"name": weights}),
            metrics={"exact_match": len(weights) / 10},
            artifacts={"adapter": adapter},
        )
        return report.mlflow_run_id, sha256_of(adapter / "adapter_model.safetensors")

    return record


def decision(adapter_sha256: str, champion_version: int | None, promote: bool) -> GateDecision:
    checks = tuple(
        GateCheck(name=name, passed=promote or name != "beats_base", reason=f"About {name}.")
        for name in ("prompts", "beats_base", "reading", "beats_champion")
    )
    return GateDecision(
        verdict="better" if promote else "not better",
        promote=promote,
        primary_metric="exact_match",
        adapter_sha256=adapter_sha256,
        champion_version=champion_version,
        checks=checks,
        reasons=tuple(check.reason for check in checks if promote or not check.passed),
    )


def register(store: TrackingStore, model: str, made: tuple[str, str]) -> VersionReport:
    run_id, sha256 = made
    return register_version(
        store, model=model, mlflow_run_id=run_id, tags={"adapter_sha256": sha256}
    )


def name_of(base: str, label: str, source: str = "a1b2c3d4") -> str:
    sha256 = "0123456789abcdef" * 4
    return model_name_for(base, base_sha256=sha256, dataset_label=label, dataset_source=source)


def test_the_name_says_base_and_dataset() -> None:
    names = [name_of("tiny-instruct", "Sort requests"), name_of("Qwen/Qwen3-0.6B", "faq")]

    assert names == [
        "tiny-instruct-01234567-sort-requests-7dcf407f",
        "qwen3-0-6b-01234567-faq-7dcf407f",
    ]


def test_datasets_that_are_called_the_same_are_told_apart() -> None:
    assert name_of("tiny", "train", "one") != name_of("tiny", "train", "another")


def test_the_longest_name_is_a_name(store: TrackingStore) -> None:
    longest = name_of("owner/" + "b" * 96, f"{'d' * 39}-{'e' * 50}")

    assert longest == f"{'b' * 40}-01234567-{'d' * 39}-7dcf407f"
    assert find_champion(store, longest) is None


def test_a_run_becomes_one_version_the_challenger(
    store: TrackingStore, model: str, tuned: Tuned
) -> None:
    first, second = tuned("one"), tuned("two")

    reports = [register(store, model, made) for made in (first, first, second, first)]

    challenger, former = ("challenger",), ()
    assert reports == [
        VersionReport(model=model, version=1, aliases=challenger),
        VersionReport(model=model, version=1, aliases=challenger),
        VersionReport(model=model, version=2, aliases=challenger),
        VersionReport(model=model, version=1, aliases=former),
    ]
    version = store.client().get_model_version(model, "1")
    assert version.source == f"runs:/{first[0]}/adapter"
    assert version.tags == {"adapter_sha256": first[1]}


def test_other_weights_are_not_put_in_the_place_of_registered_ones(
    store: TrackingStore, model: str, tuned: Tuned
) -> None:
    run_id, _ = made = tuned("one")
    register(store, model, made)

    with pytest.raises(TrackingError, match=r"Version 1 of .* holds other weights"):
        register(store, model, (run_id, "0" * 64))


def test_what_is_not_recorded_is_not_registered(store: TrackingStore, model: str) -> None:
    run = store.client().create_run(store.open().experiment_id)

    with pytest.raises(TrackingError, match="The run holds no artifact 'adapter'"):
        register(store, model, (run.info.run_id, "0" * 64))
    with pytest.raises(TrackingError, match="there is no such run, model or version"):
        register(store, model, ("0" * 32, "0" * 64))


@pytest.mark.parametrize("name", ["", "a/b", "x' or name = 'y", "a" * 200])
def test_what_is_no_name_is_refused(store: TrackingStore, name: str) -> None:
    with pytest.raises(TrackingError, match="is not the name of a registered model"):
        find_champion(store, name)


def test_the_champion_moves_with_a_decision_on_its_weights(
    store: TrackingStore, model: str, tuned: Tuned
) -> None:
    first, second = tuned("one"), tuned("two")
    register(store, model, first)
    assert find_champion(store, model) is None

    for _ in range(2):
        report = move_champion(
            store, model=model, version=1, decision=decision(first[1], None, True)
        )
        assert report == AliasReport(champion_version=1)
    assert register(store, model, first).aliases == ("champion",)
    register(store, model, second)
    move_champion(store, model=model, version=2, decision=decision(second[1], 1, True))

    assert find_champion(store, model) == Champion(version=2)
    assert store.client().get_model_version(model, "1").aliases == []


def test_the_champion_stays_without_a_fitting_decision(
    store: TrackingStore, model: str, tuned: Tuned
) -> None:
    first, second = tuned("one"), tuned("two")
    register(store, model, first)
    register(store, model, second)
    move_champion(store, model=model, version=1, decision=decision(first[1], None, True))

    for refused, reason in (
        (decision(second[1], 1, False), "The gate does not allow it: About beats_base."),
        (decision("0" * 64, 1, True), "The gate decided on other weights than those of version 2"),
        (decision(first[1], 1, True), "The gate decided on other weights than those of version 2"),
        (decision(second[1], None, True), "is now version 1, and the gate compared with no champ"),
        (decision(second[1], 7, True), "is now version 1, and the gate compared with version 7"),
    ):
        with pytest.raises(TrackingError, match=reason):
            move_champion(store, model=model, version=2, decision=refused)

    assert find_champion(store, model) == Champion(version=1)


def test_a_champion_that_is_gone_is_told(store: TrackingStore, model: str, tuned: Tuned) -> None:
    made = tuned("one")
    register(store, model, made)

    with pytest.raises(TrackingError, match="There is now no champion, and the gate compared with"):
        move_champion(store, model=model, version=1, decision=decision(made[1], 7, True))


def test_an_unregistered_version_is_told(store: TrackingStore, model: str) -> None:
    with pytest.raises(TrackingError, match="there is no such run, model or version"):
        move_champion(store, model=model, version=1, decision=decision("0" * 64, None, True))


def test_an_adapter_comes_back_as_it_went_in(
    store: TrackingStore, model: str, tuned: Tuned, tmp_path: Path
) -> None:
    register(store, model, tuned("one"))

    folder = fetch_adapter(store, model, version=1, target=tmp_path / "models" / "fetched")

    assert folder == tmp_path / "models" / "fetched"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "adapter_model.safetensors": "one",
        "adapter_config.json": "{}",
    }
    assert [path.name for path in folder.parent.iterdir()] == ["fetched"]
    with pytest.raises(TrackingError, match="'fetched' is there already"):
        fetch_adapter(store, model, version=1, target=folder)


@pytest.mark.parametrize("other", ["training_args.bin", "model.py", "optimizer.PT", "weights"])
def test_an_adapter_with_another_kind_of_file_is_refused(
    store: TrackingStore, model: str, tuned: Tuned, tmp_path: Path, other: str
) -> None:
    register(store, model, tuned("one", other))

    with pytest.raises(TrackingError, match=f"a kind that is not loaded: {other}"):
        fetch_adapter(store, model, version=1, target=tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_an_adapter_whose_weights_are_gone_is_told(
    store: TrackingStore, model: str, tuned: Tuned, tmp_path: Path
) -> None:
    register(store, model, tuned("one"))
    (weights,) = (tmp_path / "ml runs").rglob("*.safetensors")
    weights.unlink()

    with pytest.raises(TrackingError, match="The adapter is no longer in the artifact store"):
        fetch_adapter(store, model, version=1, target=tmp_path / "fetched")


def test_weights_changed_in_the_store_are_refused(
    store: TrackingStore, model: str, tuned: Tuned, tmp_path: Path
) -> None:
    register(store, model, tuned("one"))
    (weights,) = (tmp_path / "ml runs").rglob("*.safetensors")
    weights.write_text("two")

    with pytest.raises(TrackingError, match="are not those that were registered"):
        fetch_adapter(store, model, version=1, target=tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_earlier_runs_come_newest_first_with_their_metrics(
    store: TrackingStore, model: str, tuned: Tuned
) -> None:
    made = [tuned(weights) for weights in ("a", "bb", "ccc", "dddd")]
    for one in made[:3]:
        register(store, model, one)

    newest = earlier_runs(store, model=model, limit=2)

    assert [run.mlflow_run_id for run in newest] == [made[2][0], made[1][0]]
    assert [(run.name, run.status) for run in newest] == [("ccc", "FINISHED"), ("bb", "FINISHED")]
    assert [run.metrics for run in newest] == [{"exact_match": 0.3}, {"exact_match": 0.2}]
    assert earlier_runs(store, model="another", limit=2) == ()
