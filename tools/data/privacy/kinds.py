"""The kinds of private data, and what the owner of a dataset wants done about each.

Not covered: postal addresses, dates of birth, health and what else only a reader recognises.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "email",
    "phone",
    "iban",
    "card",
    "ip",
    "national_id",
    "secret",
    "url_credentials",
    "name",
]
Action = Literal["report", "drop_row", "mask", "pseudonymise", "ask"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_SPOKEN: Mapping[Kind, tuple[str, str]] = {
    "email": ("an e-mail address", "e-mail addresses"),
    "phone": ("a phone number", "phone numbers"),
    "iban": ("a bank account number", "bank account numbers"),
    "card": ("a payment card number", "payment card numbers"),
    "ip": ("an IP address", "IP addresses"),
    "national_id": ("a national identity number", "national identity numbers"),
    "secret": ("a key, token or password", "keys, tokens or passwords"),
    "url_credentials": ("a user name and password in a URL", "user names and passwords in URLs"),
    "name": ("the name of a person", "names of persons"),
}


class PrivacyPolicy(BaseModel):
    """What is done about each kind of private data.

    `report` counts it and leaves it in, `drop_row` leaves its row out, `mask` puts `[EMAIL]` and
    the like in its place, `pseudonymise` gives each value one stand-in throughout the dataset, and
    `ask` refuses to go on until one of the others is chosen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # What identifies a person or opens a door is of no use to a model, so it is masked.
    email: Action = "mask"
    phone: Action = "mask"
    iban: Action = "mask"
    card: Action = "mask"
    national_id: Action = "mask"
    secret: Action = "mask"
    url_credentials: Action = "mask"
    # Logs and manuals are full of addresses of machines, which seldom tell who used them.
    ip: Action = "report"
    # Names are guessed by a model: too often wrong to change rows unasked.
    name: Action = "report"
    name_pipeline: str = Field(
        default="",
        pattern=r"^(?:[a-z]{2,3}_[a-z0-9_]{1,60})?$",
        description="spaCy pipeline that finds names, e.g. en_core_web_sm; empty: none are sought.",
    )
    phone_region: str = Field(
        default="",
        pattern=r"^(?:[A-Z]{2})?$",
        description="Country whose phone numbers are found without +, e.g. US; empty: none.",
    )

    def action(self, kind: Kind) -> Action:
        """Return what is done about `kind`."""
        actions: dict[Kind, Action] = {
            "email": self.email,
            "phone": self.phone,
            "iban": self.iban,
            "card": self.card,
            "ip": self.ip,
            "national_id": self.national_id,
            "secret": self.secret,
            "url_credentials": self.url_credentials,
            "name": self.name,
        }
        return actions[kind]


def spoken(kind: Kind, count: int) -> str:
    """Return `count` values of `kind` in words, e.g. `2 phone numbers`."""
    one, many = _SPOKEN[kind]
    return one if count == 1 else f"{count:,} {many}"
