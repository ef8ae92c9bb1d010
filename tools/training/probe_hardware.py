"""Look at the machine: processor, memory, GPUs and disk, as this process may use them.

Inside a container its memory limit counts, not the memory of the machine.

Not covered: several machines, how many processors a container may use, and how fast any of it is.
"""

import platform
import shutil
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_GIB = 2**30
# NVIDIA's Ampere, the first with bfloat16.
_BF16_CAPABILITY = (8, 0)
_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")

Backend = Literal["cpu", "cuda", "rocm", "mps"]


class Gpu(BaseModel):
    """One graphics processor."""

    model_config = ConfigDict(frozen=True)

    index: int
    name: str
    memory_gib: float
    free_gib: float
    compute_capability: str
    bf16: bool = Field(description="Whether it computes in bfloat16 by itself.")


class HardwareReport(BaseModel):
    """What there is to train on."""

    model_config = ConfigDict(frozen=True)

    processor: str
    cores_physical: int
    memory_gib: float
    memory_free_gib: float
    gpus: tuple[Gpu, ...]
    backend: Backend
    backend_version: str | None = Field(description="Version of CUDA or ROCm.")
    bf16: bool = Field(description="Whether bfloat16 is worth using where training would run.")
    disk_free_gib: float
    torch_version: str

    @property
    def device(self) -> str:
        """Where to train, as torch names it."""
        # ROCm answers to CUDA's name in torch.
        return "cuda" if self.backend == "rocm" else self.backend

    @property
    def training_memory_gib(self) -> float:
        """Memory that is free where training would run."""
        return self.gpus[0].free_gib if self.gpus else self.memory_free_gib


def probe_hardware(folder: Path, *, cgroup: Path = Path("/sys/fs/cgroup")) -> HardwareReport:
    """Return what this machine offers.

    Args:
        folder: Where the run will be written; its disk is the one that matters.
        cgroup: Where Linux tells a container's limits.
    """
    import psutil

    # Imported here: it takes seconds to load.
    import torch

    backend, version = _backend()
    gpus = _gpus(backend)
    memory = psutil.virtual_memory()
    limit, used = _memory_limit(cgroup)
    return HardwareReport(
        processor=_processor(),
        cores_physical=psutil.cpu_count(logical=False) or 1,
        memory_gib=_gib(min(memory.total, limit)),
        memory_free_gib=_gib(max(0, min(memory.available, limit - used))),
        gpus=gpus,
        backend=backend,
        backend_version=version,
        bf16=gpus[0].bf16 if gpus else _processor_has_bf16(),
        disk_free_gib=_gib(shutil.disk_usage(_existing(folder)).free),
        torch_version=str(torch.__version__),
    )


def _backend() -> tuple[Backend, str | None]:
    import torch

    if torch.cuda.is_available():
        return ("rocm", torch.version.hip) if torch.version.hip else ("cuda", torch.version.cuda)
    return ("mps", None) if torch.backends.mps.is_available() else ("cpu", None)


def _gpus(backend: Backend) -> tuple[Gpu, ...]:
    if backend == "cpu":
        return ()
    if backend == "mps":
        return (_apple_gpu(),)
    import torch

    return tuple(_gpu(index, backend) for index in range(torch.cuda.device_count()))


def _gpu(index: int, backend: Backend) -> Gpu:
    import torch

    free, total = torch.cuda.mem_get_info(index)
    major, minor = torch.cuda.get_device_capability(index)
    return Gpu(
        index=index,
        name=torch.cuda.get_device_name(index),
        memory_gib=_gib(total),
        free_gib=_gib(free),
        compute_capability=f"{major}.{minor}",
        bf16=backend == "rocm" or (major, minor) >= _BF16_CAPABILITY,
    )


def _apple_gpu() -> Gpu:
    import psutil
    import torch

    memory = torch.mps.recommended_max_memory()
    return Gpu(
        index=0,
        name="Apple GPU",
        memory_gib=_gib(memory),
        free_gib=_gib(min(memory, psutil.virtual_memory().available)),
        compute_capability="",
        bf16=False,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _processor_has_bf16() -> bool:
    import torch

    known = torch.cpu.get_capabilities()
    return any(known.get(name) for name in _BF16_INSTRUCTIONS)


def _memory_limit(cgroup: Path) -> tuple[int, int]:
    """Return the container's limit in bytes and how much of it is taken for good."""
    limit = _first_line(cgroup / "memory.max")
    used = _first_line(cgroup / "memory.current")
    if not limit.isdigit() or not used.isdigit():
        return 2**63, 0
    stat = dict(line.split(" ", 1) for line in _lines(cgroup / "memory.stat") if " " in line)
    # Pages of files that were read: the kernel gives them back when memory is asked for.
    return int(limit), max(0, int(used) - int(stat.get("inactive_file", "0")))


def _first_line(path: Path) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split("\n")
    except OSError:
        return []


def _existing(folder: Path) -> Path:
    folder = folder.resolve()
    return next(one for one in (folder, *folder.parents) if one.exists())


def _gib(byte_count: float) -> float:
    return round(byte_count / _GIB, 2)
