from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from frontend.serve import SafeHeaders


def test_every_answer_keeps_the_page_to_itself() -> None:
    page = Route("/", lambda _: PlainTextResponse("page"))
    browser = TestClient(Starlette(routes=[page], middleware=[Middleware(SafeHeaders)]))

    for path in ("/", "/missing"):
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
