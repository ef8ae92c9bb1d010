from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend.database import open_database
from backend.jobs.store import JobStore
from backend.migrate import migrate, migrate_back
from tests.backend.api import Api, Person
from tests.backend.postgres import postgres_programs, running_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with running_postgres(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database of each kind, with nothing in it."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'studio.db'}")
    else:
        opened = open_database(request.getfixturevalue("postgres_url"))
    migrate(opened)
    yield opened
    migrate_back(opened)
    opened.dispose()


@pytest.fixture
def jobs(engine: Engine) -> JobStore:
    return JobStore(engine)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The real application over a database of its own, with nobody in it."""
    opened = open_database(f"sqlite:///{tmp_path / 'api.db'}")
    migrate(opened)
    yield Api(opened, tmp_path)
    opened.dispose()


@pytest.fixture
def anna(api: Api) -> Person:
    """The first admin."""
    return api.add_person("anna", "admin")


@pytest.fixture
def ben(api: Api, anna: Person) -> Person:
    """A member."""
    return api.add_person("ben", "member")


@pytest.fixture
def vera(api: Api, anna: Person) -> Person:
    """A viewer."""
    return api.add_person("vera", "viewer")
