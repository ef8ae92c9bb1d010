"""Let a process open as many files and sockets as a busy studio needs."""

import resource

# For as many event streams as the feed takes, with room for the rest. Many systems begin with 1024.
_FILES = 8192


def allow_many_files() -> None:
    """Raise the limit of open files of this process, and of those it starts, as far as it may."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _FILES if most == unlimited else min(_FILES, most)
    if soft != unlimited and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
