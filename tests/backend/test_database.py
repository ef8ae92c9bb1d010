import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text

from backend.database import open_database, reading, writing


def test_who_reads_does_not_wait_for_many_who_want_to_write(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'some.db'}")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE things (name TEXT)"))
    begun = threading.Semaphore(0)

    def write() -> None:
        begun.release()
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO things VALUES ('one')"))

    with ThreadPoolExecutor(30) as threads:
        with writing(engine):
            writers = [threads.submit(write) for _ in range(30)]
            for _ in writers:
                begun.acquire()
            with reading(engine) as connection:
                seen = connection.scalar(text("SELECT count(*) FROM things"))
            still_waiting = [writer for writer in writers if not writer.done()]
        for writer in writers:
            writer.result()

    assert (seen, len(still_waiting)) == (0, 30)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM things")) == 30
    engine.dispose()
