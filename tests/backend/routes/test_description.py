"""The API's description says of every operation how it may refuse, and with what."""

from collections.abc import Iterator
from typing import Any

from backend.errors import Problem
from tests.backend.api import Api
from tests.backend.routes.test_rights import PUBLIC


def operations(api: Api) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in api.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_how_it_may_refuse(api: Api) -> None:
    for route, operation in operations(api):
        expected = set()
        if route not in PUBLIC:
            expected |= {"401", "403"}  # the latter: a key that may not do this
        if " /api/" in route:
            expected |= {"400", "503", "507"}
        if "{" in route:
            expected |= {"404"}
        if "parameters" in operation:
            expected |= {"422"}
        if "requestBody" in operation:
            expected |= {"413", "415", "422"}

        assert expected <= set(operation["responses"]), route


def test_every_refusal_is_a_problem_and_nothing_else(api: Api) -> None:
    for route, operation in operations(api):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == [Problem.media_type], (route, status)


def test_every_operation_has_a_summary_a_description_and_a_name_of_its_own(api: Api) -> None:
    described = dict(operations(api))

    assert all(one["summary"] and one["description"] for one in described.values())
    assert len({one["operationId"] for one in described.values()}) == len(described)


def test_a_method_that_an_address_does_not_take_is_answered_with_those_it_takes(api: Api) -> None:
    for path, allowed in (
        ("/api/datasets/colours", "DELETE, GET"),
        ("/api/auth/registration", "GET, PUT"),
        ("/api/users/me", "GET"),
    ):
        answer = api.client.options(path)

        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
