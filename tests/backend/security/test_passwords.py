import time

import pytest

from backend.security.password_rules import PasswordRefused, check_password
from backend.security.passwords import Passwords, UnusablePassword

passwords = Passwords(rounds=4)


@pytest.mark.parametrize(
    "password", ["a quiet river runs north", "😀" * 64, "ж" * 2048, "a\0b" * 9]
)
def test_a_password_fits_its_own_hash_and_counts_whole(password: str) -> None:
    hashed = passwords.hash(password)

    assert hashed.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert passwords.verify(password, hashed)
    assert not passwords.verify(password[:-1], hashed)
    assert not passwords.verify(password + "a", hashed)


def test_an_accent_is_the_same_however_it_is_typed() -> None:
    assert passwords.verify("cafe\u0301 au lait noir", passwords.hash("café au lait noir"))


@pytest.mark.parametrize("odd", ["a" * 4097, "é" * 2049, "\ud800", "a" * 1_048_576])
def test_what_cannot_be_hashed_fits_nothing(odd: str) -> None:
    with pytest.raises(UnusablePassword):
        passwords.hash(odd)
    assert not passwords.verify(odd, passwords.hash("a quiet river runs north"))


@pytest.mark.parametrize("odd", ["", "\0", "a" * 72, "a" * 73, "😀" * 18, "abc\0def", "\ud800"])
def test_an_odd_password_is_just_a_wrong_one(odd: str) -> None:
    assert not passwords.verify(odd, passwords.hash("a quiet river runs north"))
    assert not passwords.verify(odd, None)


def test_nobodys_password_takes_as_long_as_somebodys() -> None:
    slow = Passwords(rounds=10)
    hashed = slow.hash("a quiet river runs north")

    def seconds(given: str, kept: str | None) -> float:
        begun = time.thread_time()  # of this thread's work alone: others use the processor too
        slow.verify(given, kept)
        return time.thread_time() - begun

    known = sorted(seconds("wrong", hashed) for _ in range(5))[2]
    for given, kept in (("wrong", None), ("\ud800", hashed), ("a" * 5000, hashed)):
        unknown = sorted(seconds(given, kept) for _ in range(5))[2]
        assert unknown == pytest.approx(known, rel=0.5)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("half a character \ud800", "bad_unicode"),
        ("short", "too_short"),
        ("14 characters!", "too_short"),
        ("password1234", "too_common"),
        ("Password Password!", "too_common"),
        ("correct horse battery staple", "too_common"),
        ("aaaaaaaaaaaaaaaaaaaa", "too_common"),
        ("abcabcabcabcabcabc", "too_common"),
        ("123456789012345", "too_common"),
        ("lkjhgfdsapoiuytrewq", "too_common"),
        ("benjamin.frank-1706", "too_common"),
        ("Benjamin.FrankBenjamin.Frank", "too_common"),
        ("                    ", "too_common"),
        ("a" * 1_048_576, "too_long"),
    ],
)
def test_a_password_that_would_be_tried_first_is_refused(password: str, code: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        check_password(password, "benjamin.frank")

    assert refused.value.code == code
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "a quiet river runs north",
        "ünïcödé wörds ïn röws",
        "鉄道の駅で待つ三人の友達と犬と猫",
        "x7!Kp2#vQ9$mL4&",
    ],
)
def test_long_and_uncommon_is_enough(password: str) -> None:
    check_password(password, "benjamin.frank")


def test_many_different_emoji_are_a_password() -> None:
    check_password("".join(chr(0x1F600 + number) for number in range(15)), "ben")
