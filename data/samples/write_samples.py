"""Write the bundled samples: the service requests and the text that tiny-instruct is pretrained on.

`python data/samples/write_samples.py [folder]` writes both files from the phrases in
`requests.yaml` and `corpus.yaml`. The same phrases give the same bytes.

Not covered: the manual, which is written by hand.
"""

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
Phrases = dict[str, Any]

UNIQUE_ROWS = 1036
CORPUS_CHARACTERS = 620_000
INTENT_WEIGHTS = {
    "repair": 24,
    "maintenance": 16,
    "order": 15,
    "quote": 15,
    "warranty": 15,
    "advice": 15,
}
URGENCY_WEIGHTS = {"critical": 20, "high": 27, "normal": 30, "low": 23}


class Request:
    """One service request and the labels it was written for."""

    def __init__(self, text: str, answer: str) -> None:
        self.text = text
        self.answer = answer

    def line(self) -> str:
        """Return the row as a line of JSON."""
        messages = [
            {"role": "user", "content": self.text},
            {"role": "assistant", "content": self.answer},
        ]
        return json.dumps({"messages": messages}) + "\n"


def write_requests(path: Path, phrases: Phrases, seed: int = 7) -> None:
    """Write the service requests, with the faults that README.md lists."""
    dice = random.Random(seed)
    requests = _distinct_requests(dice, phrases)
    _plant_faults(dice, requests)
    path.write_text("".join(one.line() for one in requests), encoding="utf-8", newline="\n")


def write_corpus(path: Path, phrases: Phrases, corpus: Phrases, seed: int = 11) -> None:
    """Write the pretraining text: stories and dialogues with an empty line between them."""
    dice = random.Random(seed)
    kinds = (_story, _dialogue, _comprehension, _record, _card, _card, _card, _card)
    pieces: dict[str, None] = {}
    while sum(len(piece) + 2 for piece in pieces) < CORPUS_CHARACTERS:
        for _ in range(500):
            pieces[dice.choice(kinds)(dice, corpus, _scene(dice, phrases, corpus))] = None
    path.write_text("\n\n".join(pieces) + "\n", encoding="utf-8", newline="\n")


def _distinct_requests(dice: random.Random, phrases: Phrases) -> list[Request]:
    requests: list[Request] = []
    seen: list[set[str]] = []
    while len(requests) < UNIQUE_ROWS:
        request = _request(dice, phrases)
        words = _triples(request.text)
        if all(len(words & other) < 0.5 * len(words | other) for other in seen):
            requests.append(request)
            seen.append(words)
    return requests


def _triples(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return {" ".join(words[at : at + 3]) for at in range(len(words) - 2)}


def _request(dice: random.Random, phrases: Phrases) -> Request:
    intent = dice.choices(list(INTENT_WEIGHTS), list(INTENT_WEIGHTS.values()))[0]
    urgency = dice.choices(list(URGENCY_WEIGHTS), list(URGENCY_WEIGHTS.values()))[0]
    component = dice.choice(list(phrases["components"]))
    words = _words(dice, phrases, component)
    body = dice.choice(phrases["shapes"][intent]).format(**words)
    when = dice.choice(phrases["urgency"][urgency])
    middle = [body, when] if dice.random() < 0.75 else [when, body]
    opening = dice.choice(phrases["openings"]).format(**words)
    closing = dice.choice(phrases["closings"]).format(**words)
    text = " ".join(part for part in (opening, *map(_capital, middle), closing) if part)
    answer = {"intent": intent, "component": component, "urgency": urgency}
    return Request(_manner(dice, text), json.dumps(answer))


def _words(dice: random.Random, phrases: Phrases, component: str) -> dict[str, str]:
    part = phrases["components"][component]
    unit = f"{dice.choice(phrases['adjectives'])} {dice.choice(phrases['units'])}".strip()
    return {
        "unit": unit,
        "a_unit": f"{'an' if unit[0] in 'aeiou' else 'a'} {unit}",
        "spot": dice.choice(phrases["spots"]),
        "place": dice.choice(phrases["places"]),
        "person": dice.choice(phrases["people"]),
        "name": dice.choice(part["names"]),
        "item": dice.choice(part["items"]),
        "fault": dice.choice(part["faults"]),
        "care": dice.choice(part["cares"]),
        "question": dice.choice(part["questions"]),
    }


def _manner(dice: random.Random, text: str) -> str:
    """Return `text` as a person in a hurry may type it: small letters, or two letters swapped."""
    chance = dice.random()
    if chance < 0.06:
        return text.lower()
    if chance < 0.12:
        word = dice.choice(re.findall(r"[A-Za-z]{5,}", text))
        at = dice.randrange(1, len(word) - 2)
        typo = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return text.replace(word, typo, 1)
    return text


def _plant_faults(dice: random.Random, requests: list[Request]) -> None:
    """Add 12 repeated rows, 2 near-repeats, an e-mail address and an empty answer."""
    several = dice.sample(requests, 16)
    several[0].text += " Write to anna.berg@cold-storage-nordwind.org."
    several[1].answer = ""
    near = sorted(several[2:], key=lambda one: -len(one.text))[:2]
    twins = [
        Request(near[0].text.replace(".", "!", 1), near[0].answer),
        Request(re.sub(r"\b([Oo]ur|[Tt]he)\b", "this", near[1].text, count=1), near[1].answer),
    ]
    for one in (*(one for one in several[2:] if one not in near), *twins):
        requests.insert(dice.randrange(len(requests)), one)


def _scene(dice: random.Random, phrases: Phrases, corpus: Phrases) -> dict[str, str]:
    component = dice.choice(list(phrases["components"]))
    intent = dice.choice(list(corpus["wishes"]))
    urgency = dice.choice(list(corpus["soon"]))
    part, wish, soon = corpus["parts"][component], corpus["wishes"][intent], corpus["soon"][urgency]
    words = _words(dice, phrases, component)
    when, reason = dice.choice(soon["say"]), dice.choice(soon["why"])
    moment = {"when": when, "reason": reason, "Reason": reason.capitalize()}
    return (
        words
        | moment
        | {
            "person2": dice.choice([one for one in phrases["people"] if one != words["person"]]),
            "part": component,
            "job": part["job"],
            "where": part["place"],
            "sign": part["sign"],
            "made": part["made"],
            "intent": intent,
            "want": wish["want"],
            "wish_text": dice.choice(wish["say"]).format(**words),
            "class": urgency,
            "when_text": dice.choice(corpus["whens"]).format(**moment),
            "cold": dice.choice(corpus["colds"]),
            "rule": dice.choice(corpus["rules"]),
            "weather": dice.choice(corpus["weathers"]),
            "effort": dice.choice(corpus["efforts"]),
        }
    )


def _story(dice: random.Random, corpus: Phrases, scene: dict[str, str]) -> str:
    middles = dice.sample(corpus["middles"], dice.randint(2, 4))
    sentences = [dice.choice(corpus["starts"]), *middles, dice.choice(corpus["ends"])]
    return " ".join(sentence.format(**scene) for sentence in sentences)


def _dialogue(dice: random.Random, corpus: Phrases, scene: dict[str, str]) -> str:
    turns = dice.sample(corpus["dialogues"], dice.choice((1, 1, 2)))
    system = dice.choice(corpus["systems"]) if dice.random() < 0.2 else ""
    return _chat(system, [(ask.format(**scene), say.format(**scene)) for ask, say in turns])


def _comprehension(dice: random.Random, corpus: Phrases, scene: dict[str, str]) -> str:
    text, ask, say = (part.format(**scene) for part in dice.choice(corpus["comprehension"]))
    order = (text, ask) if dice.random() < 0.5 else (ask, text)
    return _chat("", [(" ".join(order), say)])


def _card(dice: random.Random, corpus: Phrases, scene: dict[str, str]) -> str:
    ask = dice.choice(corpus["card_orders"]).format(**scene)
    return _chat("", [(ask, '"{intent}", "{part}", "{class}"'.format(**scene))])


def _record(dice: random.Random, corpus: Phrases, scene: dict[str, str]) -> str:
    text, ask, say = (part.format(**scene) for part in dice.choice(corpus["records"]))
    return _chat("", [(f"{ask} {text}", say)])


def _chat(system: str, turns: list[tuple[str, str]]) -> str:
    head = [f"System: {system}"] if system else []
    return "\n".join([*head, *(f"User: {ask}\nAssistant: {say}" for ask, say in turns)])


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _phrases(name: str) -> Phrases:
    content: Phrases = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return content


def main(folder: Path) -> None:
    """Write both files to `folder`."""
    requests = _phrases("requests.yaml")
    write_requests(folder / "refrigeration_requests.jsonl", requests)
    write_corpus(folder / "pretraining_text.txt", requests, _phrases("corpus.yaml"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
