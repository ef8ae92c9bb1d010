"""Private values are found as a whole, in each spelling, and what looks like them is not."""

import time

import pytest

from tests.tools.data.privacy.values import (
    CARD,
    EMAIL,
    GITHUB_TOKEN,
    IBAN,
    IP,
    PASSWORD,
    PHONE,
    SSN,
    found,
)
from tools.data.privacy.detect import find_private, finder_of
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.privacy.span import PrivateSpan
from tools.errors import DatasetError

KEY_LINES = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC+Kc/\n" * 4
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", EMAIL),
        ("email", "o'brien+news@mail.firm.co.uk"),
        ("email", "jürgen@müller.de"),
        ("email", "ivan@site.xn--p1ai"),
        ("phone", PHONE),
        ("phone", "+1.415.555.2671"),
        ("phone", "+44 (0)20 7946 0958"),
        ("phone", "0049 151 12345678"),
        ("phone", "(+49) 89 1234567"),
        ("iban", IBAN),
        ("iban", "GB29NWBK60161331926819"),
        ("iban", "fr14-2004-1010-0505-0001-3m02-606"),
        ("card", CARD),
        ("card", "3782-822463-10005"),
        ("card", "5555555555554444"),
        ("ip", IP),
        ("ip", "2a00:1450:4001:81b::200e"),
        ("national_id", SSN),
        ("national_id", "AB 12 34 56 C"),
        ("national_id", "36 574 261 809"),
        ("national_id", "1 84 12 76 451 089 46"),
        ("national_id", "12.345.678-Z"),
        ("national_id", "X1234567L"),
        ("national_id", "RSSMRA85M01H501Q"),
        ("secret", GITHUB_TOKEN),
        ("secret", "AKIA" + "Z2X7Q5RT" * 2),
        ("secret", "glpat-" + "x1Y2z3" * 4),
        ("secret", "xoxb-" + "123456789012-" * 2 + "aBcDeFgHiJkL"),
        ("secret", "sk-ant-api03-" + "aB3dE5fG7h" * 9),
        ("secret", "hf_" + "aBcDeFgHiJ" * 3 + "kLmN"),
        ("secret", "AIza" + "Sy3dE5f" * 5),
        ("secret", "sk_live_" + "4eC39HqLyjW" * 2),
        ("secret", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4"),
        ("secret", PEM),
        ("secret", "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0B" * 3),
    ],
)
@pytest.mark.parametrize("sentence", ["{}", "Take {}, please.", "({})", "It is {}. Then on."])
def test_a_value_is_found_from_its_first_to_its_last_character(
    kind: str, value: str, sentence: str
) -> None:
    assert found(sentence.format(value)) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        f"password={PASSWORD}",
        f'"password": "{PASSWORD}"',
        rf"{{\"db_passwd\": \"{PASSWORD}\"}}",
        f"My password is {PASSWORD}.",
        f"export API_KEY='{PASSWORD}'",
        f"client-secret => {PASSWORD}",
        f"Passwort: {PASSWORD}",
    ],
)
def test_a_password_is_found_by_what_stands_before_it(text: str) -> None:
    assert found(text) == [("secret", PASSWORD)]


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("git clone https://bob:s3cr3t@git.firm.de/x", "bob:s3cr3t"),
        ("redis://:p4ss@w0rd@cache:6379/0", ":p4ss@w0rd"),
        (f"https://bob:{GITHUB_TOKEN}@github.com/x", f"bob:{GITHUB_TOKEN}"),
    ],
)
def test_credentials_in_a_url_are_one_value(text: str, credentials: str) -> None:
    assert found(text) == [("url_credentials", credentials)]


@pytest.mark.parametrize(
    "text",
    [
        "Write to person@example.com, info@mail.example.org or root@localhost.",
        "git@github.com:firm/product.git and icon@2x.png and @app.route and a @ b.de",
        "https://user:password@db.firm.de and https://a:b1c2@example.com/",
        "postgres://${USER}:${PASSWORD}@db/main",
        "+1 202 555 0123 and +1 (415) 555-0199 are numbers of films",
        "On 2024-01-15 at 12:30:45+02:00, 15.01.2024, 01/15/2024 and 20240115",
        "$1,234,567.89 or 1.234.567,89 € and 5+3000000000 = 3000000005",
        "Order 2024-0001-0002-0003, invoice 100200300400, parcel 1Z999AA10123456784",
        "ISBN 978-3-16-148410-0 and 9783161484100, EAN 4006381333931",
        "4111 1111 1111 1112 fails the checksum, and so does DE88 3704 0044 0532 0130 00",
        "v1.2.3.4, version 8.8.8.8, Chrome/120.1.2.3, pkg-1.2.3.4.tar.gz, 1.2.3.4.5, 999.1.1.1",
        "127.0.0.1, 10.0.0.1, 192.168.1.1, 192.0.2.7, ::1, fe80::1, 2001:db8::7 and std::cafe",
        "550e8400-e29b-41d4-a716-446655440000 and d41d8cd98f00b204e9800998ecf8427e",
        "#4a90e2, #123456, 0xdeadbeef and 00:1a:2b:3c:4d:5e",
        "666-12-1234, 000-12-1234 and 123 45 6789, 111222333",
        "GB123456A and DFQ123456Q",
        "password: required; token = generate_token_v2(); password = os.environ['X1234567']",
        "api_key=YOUR_API_KEY_1, secret: changeme123!, token=${TOKEN_17}, max_tokens=12345678",
        ".sk-fading-circle-container-big1 and sk-learn-something-very-long-name2",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "[EMAIL] [CARD-12] password=[SECRET] https://[URL_CREDENTIALS]@db.firm.de",
    ],
)
def test_what_only_looks_private_is_left_alone(text: str) -> None:
    assert found(text, phone_region="US") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("His BSN is 111222333.", "111222333"),
        ("Burgerservicenummer: 1112.22.333", "1112.22.333"),
        ("social security number 536904399", "536904399"),
        ("SSN 536 90 4399", "536 90 4399"),
    ],
)
def test_a_number_that_is_too_plain_is_found_after_a_word_that_names_it(
    text: str, value: str
) -> None:
    assert found(text) == [("national_id", value)]
    assert found(f"Room {value}") == []


def test_numbers_of_a_named_country_need_no_country_code() -> None:
    text = "In 2024 415-555-2671, (415) 555-2671; call me at 4155552671, not order 4155552672."

    assert found(text, phone_region="US") == [
        ("phone", "415-555-2671"),
        ("phone", "(415) 555-2671"),
        ("phone", "4155552671"),
    ]
    assert found(text) == []


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"'XX' is not a country with phone numbers\. Use"):
        finder_of(PrivacyPolicy(phone_region="XX"))


def test_a_number_is_found_next_to_another_that_is_none() -> None:
    assert found(f"2024 {CARD} AB12 3456 {IBAN} AND SO ON") == [("card", CARD), ("iban", IBAN)]


def test_values_come_in_the_order_of_the_text() -> None:
    text = f"{IP} {EMAIL} {CARD}"

    assert find_private(text) == (
        PrivateSpan("ip", 0, 7),
        PrivateSpan("email", 8, 22),
        PrivateSpan("card", 23, 42),
    )


HOSTILE = [
    *("1", "@", "a.", "a@", "a.a@", "http://", "://a:", "://a:@", "+1", "+1 ", "+12345678"),
    *("1 ", "001", "1-", "1.", "1.1.1.1.", "2001:", "A", "AB12 ", "AB12", "eyJ", "eyJaaaaaaaa."),
    *("sk-", "ghp_", "glpat-", "xoxb-1", "token:", 'token="', "password is ", "-----", "bearer "),
    *("-----BEGIN PRIVATE KEY-----", "4111 ", "411111111111", "hooks.slack.com/services/"),
    *("(1", "12 34 ", "SG.", "-", " ", "\n", "'"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_run_takes_no_longer_a_character_than_a_short_one(piece: str) -> None:
    short, long = (
        _seconds_a_character(piece, characters, region="US") for characters in (20_000, 200_000)
    )

    assert long < 4 * short + 2e-6


def _seconds_a_character(piece: str, characters: int, region: str) -> float:
    text = (piece * (characters // len(piece) + 1))[:characters]
    began = time.process_time()
    find_private(text, phone_region=region)
    return (time.process_time() - began) / characters


@pytest.mark.parametrize("piece", ["1", "@", "a.", "http://a:b@", "x"])
def test_a_megabyte_of_one_piece_takes_seconds(piece: str) -> None:
    assert _seconds_a_character(piece, 1_000_000, region="") * 1_000_000 < 10
