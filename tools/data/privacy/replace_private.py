"""Take the private values out of one text, as the policy says."""

from tools.data.privacy.kinds import Kind, PrivacyPolicy
from tools.data.privacy.pseudonyms import Pseudonyms, mask_of
from tools.data.privacy.span import Finder, PrivateSpan

# A stand-in may form a new address with what stood beside it, which the next round takes out.
_ROUNDS_WITH_PSEUDONYMS = 2
_MOST_ROUNDS = 8


def replace_private(
    text: str, policy: PrivacyPolicy, find: Finder, pseudonyms: Pseudonyms
) -> tuple[str, tuple[Kind, ...]]:
    """Return `text` without what `policy` masks or pseudonymises, and the kinds of all values.

    What is returned holds nothing more to take out. The kind of a value is named as often as the
    kind appears, those that are only reported included.
    """
    spans = find(text)
    kinds = [span.kind for span in spans]
    for round_number in range(_MOST_ROUNDS):
        taken_out = [span for span in spans if _stand_in_wanted(span, policy)]
        if not taken_out:
            break
        if round_number:
            kinds.extend(span.kind for span in taken_out)
        masked_only = round_number >= _ROUNDS_WITH_PSEUDONYMS
        text = _replaced(text, taken_out, policy, None if masked_only else pseudonyms)
        spans = find(text)
    return text, tuple(kinds)


def _stand_in_wanted(span: PrivateSpan, policy: PrivacyPolicy) -> bool:
    return policy.action(span.kind) in ("mask", "pseudonymise")


def _replaced(
    text: str, spans: list[PrivateSpan], policy: PrivacyPolicy, pseudonyms: Pseudonyms | None
) -> str:
    pieces: list[str] = []
    end = 0
    for span in spans:
        pieces.append(text[end : span.start])
        if pseudonyms and policy.action(span.kind) == "pseudonymise":
            pieces.append(pseudonyms.of(span.kind, text[span.start : span.end]))
        else:
            pieces.append(mask_of(span.kind))
        end = span.end
    return "".join([*pieces, text[end:]])
