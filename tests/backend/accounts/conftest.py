import pytest
from sqlalchemy import Engine

from backend.accounts.accounts import Accounts
from backend.accounts.setup_code import ensure_setup_code
from backend.tables.account import User
from tests.backend.accounts.steps import setup
from tests.backend.api import MovableClock, accounts_on


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def accounts(engine: Engine, clock: MovableClock) -> Accounts:
    return accounts_on(engine, clock)


@pytest.fixture
def admin(accounts: Accounts, engine: Engine) -> User:
    """Anna, the first admin."""
    return accounts.registrations.set_up(setup(ensure_setup_code(engine)))
