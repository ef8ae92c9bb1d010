"""Find what opens a door: keys and tokens by their form, passwords by what is said before them.

A value after `password=` or `api_key:` counts when it is no word, reference or placeholder: eight
characters or more, of several kinds, and few of them repeated.

Not covered: passwords of letters alone, keys of services without a form of their own where no
word such as `token` stands before them, and secrets that are cut into pieces or encoded.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from tools.data.privacy.addresses import reserved_domain
from tools.data.privacy.span import PrivateSpan

# By what the token begins with. Each is sought only where that stands, so that most rows cost
# little. Where the end is not bounded, the token cannot begin again within itself.
_FORMS: tuple[tuple[str, str], ...] = (
    ("AKIA", r"AKIA[A-Z2-7]{16}(?![A-Za-z0-9])"),  # Amazon
    ("ASIA", r"ASIA[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("ghp_", r"ghp_[A-Za-z0-9]{36,}+"),  # GitHub
    ("gho_", r"gho_[A-Za-z0-9]{36,}+"),
    ("ghu_", r"ghu_[A-Za-z0-9]{36,}+"),
    ("ghs_", r"ghs_[A-Za-z0-9]{36,}+"),
    ("ghr_", r"ghr_[A-Za-z0-9]{36,}+"),
    ("github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40,}+"),
    ("glpat-", r"glpat-[A-Za-z0-9_-]{20,300}+"),  # GitLab
    ("xox", r"xox[abeoprs]-[0-9][A-Za-z0-9-]{9,300}+"),  # Slack
    ("xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{10,300}+"),
    ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/\w{20,30}"),
    ("hf_", r"hf_[A-Za-z0-9]{30,}+"),  # Hugging Face
    ("AIza", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),  # Google
    ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])"),
    ("ya29.", r"ya29\.[A-Za-z0-9_-]{20,1000}+"),
    ("k_live_", r"[sr]k_live_[A-Za-z0-9]{16,}+"),  # Stripe
    ("k_test_", r"[sr]k_test_[A-Za-z0-9]{16,}+"),
    ("whsec_", r"whsec_[A-Za-z0-9+/]{24,}+={0,2}"),
    ("npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("pypi-", r"pypi-AgE[A-Za-z0-9_-]{50,1000}+"),
    ("gsk_", r"gsk_[A-Za-z0-9]{40,}+"),  # Groq
    ("dop_v1_", r"dop_v1_[a-f0-9]{64}(?![A-Za-z0-9])"),  # DigitalOcean
    ("SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),  # SendGrid
)
_TOKENS = tuple(
    (prefix, re.compile(form if form.startswith("(?<=") else rf"(?<![A-Za-z0-9]){form}"))
    for prefix, form in _FORMS
)
# These characters also part words, so the form alone does not tell a key from a name in a style.
_SK = re.compile(
    r"(?<![\w-])sk-(?:ant-[a-z0-9]{2,8}-|proj-|svcacct-|admin-|or-v1-)?([\w-]{20,300}+)"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+\.[\w-]{8,}+")
_BEARER = re.compile(r"\bbearer\s{1,3}([\w.~+/-]{20,4096}+={0,2})", re.IGNORECASE)

_KEY_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_DASHES = "-----"
_SHORTEST_KEY, _LONGEST_KEY = 64, 20_000
_KEY_BODY = re.compile(r"(?:\\n|\s){0,4}[A-Za-z0-9+/=\s\\]{64,20000}")

_SEPARATORS = ("=", ":", " is ")
_CUES = ("passw", "passphrase", "kennwort", "pwd", "secret", "token", "key", "credential")
_ASSIGNMENT = re.compile(
    r"(?:pass(?:word|wd|phrase|wort)|kennwort|pwd|secret|token|credentials?"
    r"|(?:api|access|private|account|auth|encryption|signing|shared|master)[ _-]?key)"
    r"(?:[ _-]?(?:access[ _-]?key|key|id))?"
    r"\\?[\"'\]]?\s{0,3}(?:[:=]{1,2}>?|\bis\b)\s{0,3}"
    r"(?:\\?\"([^\"\s\\]{8,256}+)|\\?'([^'\s\\]{8,256}+)|([^\s\"'`,;<>{}()\[\]\\]{8,256}+))",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"[$%@]\{?(?-i:[A-Z0-9_]+|[a-z0-9_]+)[}%]?|[a-z_]\w*(?:\.[a-z_]\w*)+|[a-z][a-z0-9+.-]*://.*|[a-z]+(?:[_-][a-z]+)+[0-9]?",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"your|example|changeme|placeholder|redacted|x{4}|\*{3}|\.{3}|…|<|\{", re.I
)
_FEWEST_DISTINCT = 6
_LEAST_ENTROPY = 2.75  # bits a character; eight different ones have 3

_URL_CREDENTIALS = re.compile(
    r"://([^\s/?#:@<>\"'\[\]{}$]{0,128}+:[^\s/?#<>\"']{1,256})@([^\s/?#:@<>\"'\[\]{}]{1,253}+)"
)
_DUMMIES = re.compile(
    r"(?:user(?:name)?|login|name|me):(?:pass(?:word|wd)?|pwd|secret)"
    r"|.*:(?:\*+|x+|\$\{?(?-i:[A-Z0-9_]+|[a-z0-9_]+)\}?|\{.*|\[.*|%[A-Z_]+%?)",
    re.IGNORECASE,
)


def secrets_in(text: str) -> Iterator[PrivateSpan]:
    """Yield the keys, tokens and passwords of `text`."""
    for prefix, pattern in _TOKENS:
        if prefix in text:
            for match in pattern.finditer(text):
                yield PrivateSpan("secret", match.start(), match.end())
    yield from _model_keys(text)
    if "eyJ" in text:
        for match in _JWT.finditer(text):
            yield PrivateSpan("secret", match.start(), match.end())
    if _DASHES in text:
        yield from _private_keys(text)
    yield from _assigned(text)


def url_credentials_in(text: str) -> Iterator[PrivateSpan]:
    """Yield each `user:password` in a URL of `text`, without the @ behind it."""
    if "://" not in text or "@" not in text:
        return
    for match in _URL_CREDENTIALS.finditer(text):
        if not (reserved_domain(match[2]) or _DUMMIES.fullmatch(match[1])):
            yield PrivateSpan("url_credentials", match.start(1), match.end(1))


def _model_keys(text: str) -> Iterator[PrivateSpan]:
    if "sk-" not in text:
        return
    for match in _SK.finditer(text):
        longest = max(re.split(r"[_-]", match[1]), key=len)
        if len(longest) >= _FEWEST_DISTINCT and _random(match[1]):
            yield PrivateSpan("secret", match.start(), match.end())


def _private_keys(text: str) -> Iterator[PrivateSpan]:
    for begins in _KEY_BEGINS.finditer(text):
        # Up to the next dashes only, so that many beginnings without an end stay cheap.
        dashes = text.find(_DASHES, begins.end(), begins.end() + _LONGEST_KEY)
        ends = _KEY_ENDS.match(text, dashes) if dashes >= 0 else None
        if ends and dashes - begins.end() >= _SHORTEST_KEY:
            yield PrivateSpan("secret", begins.start(), ends.end())
        elif body := _KEY_BODY.match(text, begins.end()):
            yield PrivateSpan("secret", begins.start(), body.end())


def _assigned(text: str) -> Iterator[PrivateSpan]:
    lowered = text.lower()
    if "bearer" in lowered:
        for match in _BEARER.finditer(text):
            if _random(match[1]):
                yield PrivateSpan("secret", match.start(1), match.end(1))
    if not (_says(lowered, _SEPARATORS) and _says(lowered, _CUES)):
        return
    for match in _ASSIGNMENT.finditer(text):
        group = match.lastindex or 0
        # A full stop ends the sentence; a bracket says that it is a call or a place in a list.
        value = match[group].rstrip(".:?")
        if text[match.end() : match.end() + 1] not in ("(", "[") and _random(value):
            yield PrivateSpan("secret", match.start(group), match.start(group) + len(value))


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _random(value: str) -> bool:
    """Return whether `value` looks made up by a machine or by somebody who needed a password."""
    if _REFERENCE.fullmatch(value) or _PLACEHOLDER.search(value):
        return False
    counts = Counter(value)
    if len(value) < 8 or len(counts) < _FEWEST_DISTINCT or not any(map(str.isalpha, value)):
        return False
    # Letters with nothing but dots, dashes and slashes between them are words and paths.
    if not any(one.isdigit() or one in "!#$%&*+=?@^~|" for one in value):
        return False
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return entropy >= _LEAST_ENTROPY
