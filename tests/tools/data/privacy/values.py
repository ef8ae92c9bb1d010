"""Values that look private and are made up, as the tests of privacy need them."""

from tools.data.privacy.detect import find_private

# Put together here, so that no scanner takes this file for a leak.
GITHUB_TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"
EMAIL = "anna.b@firm.de"
PHONE = "+49 151 12345678"
IP = "8.8.4.4"
SSN = "536-90-4399"
PASSWORD = "Tr0ub4dor&3"

ONE_OF_EACH = {
    "email": EMAIL,
    "phone": PHONE,
    "iban": IBAN,
    "card": CARD,
    "ip": IP,
    "national_id": SSN,
    "secret": GITHUB_TOKEN,
}


def found(text: str, phone_region: str = "") -> list[tuple[str, str]]:
    """Return the kinds with the values that are found in `text`."""
    spans = find_private(text, phone_region=phone_region)
    return [(span.kind, text[span.start : span.end]) for span in spans]
