"""What `doctor` looks at on this machine: Python, disk, memory, GPU."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from crewtune.check import Check, ok, problem, warning
from crewtune.environment import Environment

_PYTHONS = ((3, 11), (3, 14))  # from, and below
_DISK_GIB = (3.0, 15.0)  # below: a problem, a warning
_MEMORY_GIB = (2.0, 6.0)
_NVIDIA_SECONDS = 15


def check_python() -> list[Check]:
    """Look at the version of Python."""
    found = platform.python_version()
    if _PYTHONS[0] <= sys.version_info[:2] < _PYTHONS[1]:
        return ok("Python", found)
    return problem("Python", found, "The studio needs Python 3.11, 3.12 or 3.13: install one.")


def check_disk(environment: Environment) -> list[Check]:
    """Look at the room where the studio keeps its data."""
    folder = environment.folder / (environment.setting("CREWTUNE_DATA_DIR") or "data")
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    remedy = "Delete what is not needed, or set CREWTUNE_DATA_DIR to a larger disk."
    return _room("disk", free, _DISK_GIB, remedy)


def check_memory() -> list[Check]:
    """Look at the memory that is free, also within a container's limit."""
    free = free_memory_gib(Path("/proc/meminfo"), Path("/sys/fs/cgroup"))
    if free is None:
        return warning("memory", "not known here", "A small training needs about 2 GiB free.")
    remedy = "Close programs, choose a smaller model, or make batch size and max_length smaller."
    return _room("memory", free, _MEMORY_GIB, remedy)


def check_gpu() -> list[Check]:
    """Ask the driver for a GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return warning("GPU", "none seen", "Trainings run on the CPU: begin with a small model.")
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=_NVIDIA_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return warning("GPU", "nvidia-smi does not answer", "Reboot, or install the driver anew.")
    if asked.returncode != 0 or not asked.stdout.strip():
        said = (asked.stderr or asked.stdout).strip().split("\n")[0][:120] or "no device"
        return warning("GPU", said, "Mend the driver, or train on the CPU with a small model.")
    return ok("GPU", "; ".join(line.strip() for line in asked.stdout.strip().split("\n")))


def free_memory_gib(meminfo: Path, cgroup: Path) -> float | None:
    """Return how much memory is free, or None where nothing says so."""
    try:
        lines = meminfo.read_text(encoding="ascii").split("\n")
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, or one without a limit
        return free / 2**20
    return min(free / 2**20, max(limit - used, 0) / 2**30)


def _room(name: str, free: float, least: tuple[float, float], remedy: str) -> list[Check]:
    found = f"{free:.1f} GiB free"
    if free < least[0]:
        return problem(name, found, remedy)
    return warning(name, found, remedy) if free < least[1] else ok(name, found)
