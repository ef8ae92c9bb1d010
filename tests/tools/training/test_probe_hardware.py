from pathlib import Path

import psutil
import pytest
import torch

from tools.training.probe_hardware import HardwareReport, probe_hardware


def limits(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text, encoding="ascii")
    return folder


def test_this_machine_is_seen(tmp_path: Path) -> None:
    report = probe_hardware(tmp_path)

    assert report.processor
    assert report.cores_physical >= 1
    assert 0 < report.memory_free_gib <= report.memory_gib
    assert report.disk_free_gib > 0
    assert report.torch_version == str(torch.__version__)
    assert len(report.gpus) == torch.cuda.device_count() or report.backend == "mps"
    assert HardwareReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_training_runs_on_the_processor(tmp_path: Path) -> None:
    report = probe_hardware(tmp_path)

    assert (report.backend, report.device, report.gpus) == ("cpu", "cpu", ())
    assert report.training_memory_gib == report.memory_free_gib


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_where_training_runs(tmp_path: Path) -> None:
    report = probe_hardware(tmp_path)

    assert report.device == "cuda"
    assert report.training_memory_gib == report.gpus[0].free_gib <= report.gpus[0].memory_gib


def test_the_memory_limit_of_a_container_counts(tmp_path: Path) -> None:
    cgroup = limits(
        tmp_path,
        memory_max=f"{2**30}\n",
        memory_current=f"{3 * 2**28}\n",
        memory_stat=f"anon 1\ninactive_file {2**28}\n",
    )

    report = probe_hardware(tmp_path, cgroup=cgroup)

    assert report.memory_gib == 1.0
    assert report.memory_free_gib == 0.5


def test_a_container_without_limits_is_the_machine(tmp_path: Path) -> None:
    cgroup = limits(tmp_path, memory_max="max\n", memory_current="5\n")

    report = probe_hardware(tmp_path, cgroup=cgroup)

    assert report.memory_gib == pytest.approx(psutil.virtual_memory().total / 2**30, abs=0.01)


def test_a_folder_that_is_still_to_be_made_has_a_disk(tmp_path: Path) -> None:
    assert probe_hardware(tmp_path / "no" / "such").disk_free_gib > 0
