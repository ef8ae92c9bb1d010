"""Of 5,000 rows with 2 % of each fault, nearly every faulty row is found, and hardly another."""

from pathlib import Path

import pytest

from benchmarks.faults import BOUND, FaultFigures, fault_figures
from benchmarks.ordinary_rows import ordinary_rows
from benchmarks.planted_faults import CLASSES, EXACT, STATISTICAL, planted_faults
from tests.tools.data.rows import save_version
from tools.data.audit_dataset import audit


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FaultFigures]:
    rows = list(planted_faults(5000, 0.02, seed=7))
    return {one.fault: one for one in fault_figures(rows, tmp_path_factory.mktemp("planted"))}


@pytest.mark.slow
@pytest.mark.parametrize("fault", EXACT)
def test_of_an_exact_fault_95_percent_are_found_and_95_percent_of_what_is_found_is_one(
    figures: dict[str, FaultFigures], fault: str
) -> None:
    assert figures[fault].planted == 100
    assert figures[fault].recall >= BOUND
    assert figures[fault].precision >= BOUND


@pytest.mark.slow
@pytest.mark.parametrize("fault", STATISTICAL)
def test_what_is_guessed_is_right_more_often_than_not(
    figures: dict[str, FaultFigures], fault: str
) -> None:
    assert figures[fault].recall > 0.5
    assert figures[fault].precision > 0.5


def test_nothing_is_found_in_ordinary_rows(tmp_path: Path) -> None:
    report = audit(save_version(tmp_path, ordinary_rows(500, seed=3)))

    assert (report.rows_usable, report.counts, report.remarks) == (500, {}, ())


def test_every_class_of_fault_is_planted_in_its_share_and_in_no_other_row() -> None:
    planted = [one.fault for one in planted_faults(1000, 0.02, seed=3)]

    assert {name: planted.count(name) for name in CLASSES} == dict.fromkeys(CLASSES, 20)
    assert planted.count(None) == 1000 - 20 * len(CLASSES)
    assert planted[:100] == [None] * 100


def test_the_same_seed_plants_the_same_faults() -> None:
    assert list(planted_faults(200, 0.02, seed=3)) == list(planted_faults(200, 0.02, seed=3))
    assert list(planted_faults(200, 0.02, seed=3)) != list(planted_faults(200, 0.02, seed=4))
