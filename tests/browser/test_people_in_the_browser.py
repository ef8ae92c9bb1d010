"""Who comes in and how, click by click: invitations, keys, passwords, and the way out."""

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import open_more, open_page, open_tab, sign_in
from tests.up import PASSWORD, UpStudio

pytestmark = pytest.mark.prove
NEW_PASSWORD = "four other words for later"


@pytest.fixture(scope="module")
def ben(page: Page, browser: Browser, studio: UpStudio) -> Page:
    """The page of somebody who came by invitation."""
    open_tab(page, "System")
    open_more(page, "Invite someone")
    page.get_by_role("button", name="Make an invitation").click()
    code = page.get_by_test_id("stCode").locator("code").first.inner_text()
    own = open_page(browser, studio)
    own.get_by_role("tab", name="I have an invitation").click()
    own.get_by_label("Invitation code").fill(code)
    own.get_by_label("Username").last.fill("ben")
    own.get_by_label("Password", exact=True).last.fill(PASSWORD)
    own.get_by_role("button", name="Make the account").click()
    return own


def test_an_invited_person_comes_in_and_finds_nothing_of_others(ben: Page) -> None:
    expect(ben.get_by_text("ben · member")).to_be_visible()
    open_tab(ben, "Data")
    expect(ben.get_by_text("You have no dataset yet")).to_be_visible()
    open_tab(ben, "Training")
    expect(ben.get_by_text("You need a dataset first")).to_be_visible()
    open_tab(ben, "Experiments")
    expect(ben.get_by_text("People", exact=True)).to_have_count(0)


def test_the_sample_is_a_click_away(ben: Page) -> None:
    open_tab(ben, "Data")

    ben.get_by_role("button", name="Add the sample").click()

    expect(ben.get_by_label("Look at")).to_be_visible(timeout=90_000)
    ben.get_by_role("tab", name="Findings").click()
    expect(ben.get_by_text("Private values")).to_be_visible()
    ben.get_by_role("button", name="Delete this dataset").click()
    ben.get_by_role("button", name="Delete it").click()
    expect(ben.get_by_text("You have no dataset yet")).to_be_visible()


def test_a_key_works_until_it_is_revoked(ben: Page, studio: UpStudio) -> None:
    open_tab(ben, "System")
    open_more(ben, "API keys")
    ben.get_by_label("Name", exact=True).fill("for a script")
    ben.get_by_role("button", name="Make a key").click()
    expect(ben.get_by_text("Copy it now")).to_be_visible()
    key = ben.get_by_test_id("stCode").locator("code").first.inner_text()

    def status() -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.get(f"{studio.api}/api/users/me", headers=headers).status_code

    assert status() == 200
    ben.get_by_role("button", name="Revoke").click()
    expect(ben.get_by_role("button", name="Revoke")).to_have_count(0)
    assert status() == 401


def test_the_hub_that_cannot_be_reached_is_told(ben: Page) -> None:
    open_tab(ben, "Models & Datasets")
    ben.get_by_label("Search").first.fill("qwen")
    ben.get_by_label("Search").first.press("Enter")

    expect(ben.get_by_text("cannot be reached").first).to_be_visible(timeout=60_000)


def test_after_a_change_the_new_password_alone_opens(
    ben: Page, browser: Browser, studio: UpStudio
) -> None:
    open_tab(ben, "System")
    open_more(ben, "Change the password")
    ben.get_by_label("Current password", exact=True).fill(PASSWORD)
    ben.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    ben.get_by_role("button", name="Change it").click()
    expect(ben.get_by_text("It is changed.")).to_be_visible()

    other = open_page(browser, studio)
    other.get_by_label("Username").first.fill("ben")
    other.get_by_label("Password", exact=True).first.fill(PASSWORD)
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_text("wrong")).to_be_visible()
    sign_in(other, "ben", NEW_PASSWORD)

    open_tab(ben, "System")
    open_more(ben, "Sign out everywhere")
    ben.get_by_role("button", name="Sign out everywhere").click()
    expect(ben.get_by_text("You are signed out everywhere.")).to_be_visible()

    for page in (ben, other):
        page.reload()
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    other.context.close()
