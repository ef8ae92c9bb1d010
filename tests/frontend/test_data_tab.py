from frontend.data.wizard import name_of
from tests.frontend.answers import HOSTILE, a_dataset, a_job
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import open_tab, texts

REQUESTS = a_dataset()


def test_without_a_dataset_it_is_said_what_to_do() -> None:
    tab = open_tab("data_tab", FakeStudio())

    assert "Upload a file above" in tab.info[0].value


def test_without_a_dataset_the_sample_is_a_click_away() -> None:
    studio = FakeStudio()
    tab = open_tab("data_tab", studio)

    tab.button(key="data_sample").click().run()

    sample = "refrigeration-requests"
    assert studio.asked == [("add_dataset", sample, {"sample": sample})]
    assert "Job #1 imports it" in tab.success[0].value


def test_an_uploaded_file_is_sent_and_imported_under_its_own_name() -> None:
    studio = FakeStudio()
    tab = open_tab("data_tab", studio)

    tab.file_uploader(key="data_file").upload("my requests.jsonl", b"{}", "application/json")
    tab.button[0].click().run()

    assert studio.asked == [
        ("upload", "my requests.jsonl"),
        ("add_dataset", "my-requests", {"upload": "abc.jsonl"}),
    ]
    assert "Job #1 imports it" in tab.success[0].value


def test_a_refusal_is_shown_as_it_is() -> None:
    tab = open_tab("data_tab", FakeStudio(refusal="The file is empty."))

    tab.file_uploader(key="data_file").upload("a.jsonl", b"{}", "application/json")
    tab.button[0].click().run()

    assert tab.error[0].value == "The file is empty."


def test_an_upload_without_a_file_asks_for_one() -> None:
    studio = FakeStudio()
    tab = open_tab("data_tab", studio)

    tab.button[0].click().run()

    assert tab.warning[0].value == "Choose a file first."
    assert studio.asked == []


def test_rows_are_text_and_never_markup() -> None:
    tab = open_tab("data_tab", FakeStudio(datasets=(REQUESTS,)))

    assert HOSTILE in [one.value for one in tab.text]
    assert HOSTILE not in "".join(one.value for one in tab.markdown)


def test_rows_too_long_to_stand_on_one_page_are_counted() -> None:
    studio = FakeStudio(datasets=(REQUESTS,))
    studio.rows_a_page = 3

    tab = open_tab("data_tab", studio)

    told = [one.value for one in tab.caption]
    assert "7 more rows of this page: too long to show at once. Look at each by its number." in told


def test_a_dataset_is_looked_at_as_soon_as_its_import_ends() -> None:
    running = a_job(1, "import", "running", request={"name": "second"})
    studio = FakeStudio(jobs=(running,), datasets=(a_dataset("first"),))
    tab = open_tab("data_tab", studio)
    assert tab.selectbox(key="data_name").value == "first"

    studio.kept_jobs[0] = a_job(1, "import", "succeeded", request={"name": "second"})
    studio.kept_datasets.append(a_dataset("second"))
    tab.run()

    assert tab.selectbox(key="data_name").value == "second"


def test_an_import_that_failed_says_why() -> None:
    error = {"code": "dataset_refused", "reason": "Row 3 has no messages."}
    failed = a_job(4, "import", "failed", request={"name": "requests"}, error=error)

    tab = open_tab("data_tab", FakeStudio(jobs=(failed,)))

    assert tab.error[0].value == "Row 3 has no messages. (dataset\\_refused)"


def test_a_dataset_is_deleted_from_the_list() -> None:
    studio = FakeStudio(datasets=(REQUESTS,))
    tab = open_tab("data_tab", studio)

    tab.button(key="data_delete").click().run()

    assert studio.asked == [("remove_dataset", "requests")]
    assert "You have no dataset yet" in texts(tab)


def test_a_file_name_becomes_a_name_the_api_takes() -> None:
    assert name_of("Größe (1).jsonl") == "Gr--e--1-"
    assert name_of("..jsonl") == "dataset"
    assert name_of("plain.csv") == "plain"
