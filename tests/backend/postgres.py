"""A PostgreSQL of our own: started on a free socket, ended with the tests.

Debian keeps the programs beside its version. PostgreSQL refuses to run as root; then the user
`postgres`, which its package makes, runs it.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def postgres_programs() -> Path | None:
    """Return the folder of initdb and postgres, or None when they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_postgres(programs: Path) -> Iterator[str]:
    """Start a server that listens on a socket only, and yield the address of its database."""
    user = "postgres" if os.geteuid() == 0 else None
    # A short path: the address of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = f"{folder}/data"
        begin = [str(programs / "initdb"), "-D", data, "-U", "crewtune", "-A", "trust", "-N"]
        subprocess.run(begin, user=user, cwd=folder, check=True, capture_output=True)
        control = [str(programs / "pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log"]
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off"
        start, stop = [*control, "-o", options, "start"], [*control, "-m", "immediate", "stop"]
        subprocess.run(start, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        try:
            yield f"postgresql+psycopg://crewtune@/postgres?host={folder}"
        finally:
            subprocess.run(stop, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
