"""Ordinary questions with answers, made from phrases and a seed: nothing is wrong with them.

No question comes twice, and rows of one pattern differ in so many words that none is nearly the
same as another. Some look like faults and are none: an answer that begins with "I am sorry to
hear", a text with the word null, code in braces, letters with accents. Nothing private is in them.
"""

import random
from collections.abc import Iterator

from tools.data.conversation import Conversation, Message

_WORDS = {
    "thing": "kettle|bicycle|wardrobe|radiator|lawn mower|sewing machine|greenhouse|doorbell"
    "|printer|dishwasher|violin|tent|coffee grinder|snow shovel|aquarium|bookshelf|projector|drill"
    "|toaster|wheelbarrow|hammock|rain barrel|typewriter|skylight|carpet|piano stool|ladder"
    "|compost heap",
    "part": "hinge|filter|belt|handle|cord|lid|bearing|gasket|fuse|spring|valve|wheel|switch|screw"
    "|bracket|seal|shelf|pump|blade|cable|motor|thermostat|axle|button|chain|spout",
    "place": "kitchen|cellar|attic|workshop|hallway|balcony|garage|library|classroom|bakery|harbour"
    "|allotment|laundry room|museum|courtyard|café|hotel lobby|school yard|railway station|orchard",
    "time": "last autumn|on Monday|before breakfast|during the storm|after the holidays|at night"
    "|in the first week|since the move|every other weekend|while we were away|around noon"
    "|towards the end of winter|a year ago|this morning|on the longest day of June",
    "trouble": "squeaks|smells of smoke|leaks a little|has turned grey|sticks|came loose|rattles"
    "|gets too hot|bends to one side|lost its colour|makes a humming noise|drips|does not close"
    "|trembles|has a crack|rusts|stops after a minute|shines too brightly",
    "person": "neighbour|apprentice|grandmother|teacher|landlord|cousin|gardener|caretaker"
    "|colleague|daughter|baker|plumber|librarian|flatmate|carpenter|nurse|bus driver|protégé",
    "stuff": "vinegar|olive oil|warm water|beeswax|sandpaper|baking soda|a soft brush|linseed oil"
    "|chalk|lemon juice|a wire brush|soap flakes|candle wax|steel wool|a damp cloth|crème fraîche",
    "food": "lentil soup|plum cake|rye bread|pickled beetroot|mushroom risotto|apple sauce|jalapeño"
    " stew|pumpkin curry|potato dumplings|fig jam|barley salad|leek pie|crêpes|goulash|pea purée",
    "town": "Lisbon|Gdańsk|Trondheim|Málaga|Córdoba|Zürich|Bergen|Ghent|Porto|Kraków|Genoa|Basel"
    "|Oulu|Leipzig|Nîmes|Galway|Turin|Düsseldorf|Besançon|Split|Utrecht|Tampere",
    "feeling": "pleased|puzzled|in a hurry|rather proud|worried|curious|tired of it|hopeful|amused"
    "|undecided|relieved|a little naïve|content|impatient|surprised",
}
_QUESTIONS = (
    "How do I repair the {part} of a {thing} that {trouble} {time}?",
    "My {thing} in the {place} {trouble} {time}. What should I look at first?",
    "Which {part} fits a {thing} from {town}, and does {stuff} harm it?",
    "Can I clean a {thing} with {stuff} when its {part} {trouble}?",
    "The {person} says that {stuff} ruins a {thing}. Is that true in a {place}?",
    "What do people in {town} cook with {food} {time}?",
    "Please write two lines about a {person} who carries a {thing} through {town}.",
    "Is {food} safe to keep in the {place} {time}, or should the {person} freeze it?",
    "Explain to my {person} why the {part} {trouble} in every {place} of {town}.",
    "How long does the way from the {place} to {town} take with a {thing} {time}?",
    "I am {feeling}, because the {thing} of our {person} {trouble} {time}. Any advice?",
    "Give me a name for a shop in {town} that sells a {thing} and {food}.",
    "Wie pflege ich in {town} eine alte Küche mit {stuff}, wenn ein {thing} fehlt?",
    "Où trouver à {town} un bon repas avec {food}, et que dire au {person} ?",
    "What is the difference between a {thing} and a {part} for a {person} in {town}?",
    "Sum up: {time} the {person} took the {thing} to the {place} and came back {feeling}.",
)
_LEADS = (
    "",
    "Hello! ",
    "Quick question. ",
    "I know little about this. ",
    "Our {person} asked me this {time}. ",
    "We moved to {town} {time}. ",
    "I am {feeling} and need a short answer. ",
    "It is about the {place}. ",
)
_SENTENCES = (
    "First take the {part} off and wash it with {stuff}.",
    "In {town} most people would ask a {person} before they touch the {part}.",
    "A {thing} that {trouble} is seldom broken; the {part} is more likely worn out.",
    "Keep it in the {place} and let it dry {time}.",
    "If you are {feeling}, wait a day and try again with {stuff}.",
    "The {person} can hold the {thing} while you turn the {part} to the left.",
    "It goes well with {food}, and a little {stuff} does no harm.",
    "Between {town} and {town} there are three trains, and each takes a {thing} along.",
    "A good {person} would be {feeling} to hear that the {part} {trouble}.",
    "I am sorry to hear that the {thing} {trouble}, but it is easy to put right.",
    "Do not use {stuff} near the {part}, because it {trouble} afterwards.",
    "Most of the {place} was built {time}, so the {part} may be of another size.",
    "You will need a new {part}, some {stuff} and about half an hour.",
    "A recipe for {food} from {town} asks for exactly this.",
    "“Never lend a {thing} to a {person},” they say in {town} — and they are right.",
    "The answer depends on the {place}: a dry one is better for {food}.",
    "Write down when it {trouble}, and show the list to the {person}.",
    "There is no rule against a {thing} in a {place}, as far as I know.",
    "As an apprentice in {town} once said, the {part} decides.",
    "Turn it over, look for the {part}, and press until it no longer {trouble}.",
    "Some {food} helps when you feel {feeling} {time}.",
    "None of this is dangerous, but a {person} should watch the {thing}.",
    "Für die Küche genügt {stuff}; größere Schäden behebt man in {town}.",
    "À {town}, on préfère {food} ; c'est très bon après une journée d'été.",
    "The screen says null when the {part} {trouble}; that only means that nothing was measured.",
    "Rub the {part} with {stuff}, then carry the {thing} back to the {place}.",
    "A second {thing} costs less than a new {part} nowadays.",
    "Children in the {place} like it when the {thing} {trouble}.",
    "Buy the {part} {time}, when the shops of {town} are empty.",
    "Whoever is {feeling} should eat {food} first and then begin.",
)
_SYSTEMS = (
    "You are a patient adviser for a shop that sells every kind of {thing}.",
    "Answer in a friendly tone, as a {person} would.",
    "Keep answers short. The reader lives in {town}.",
)


def ordinary_rows(count: int, seed: int) -> Iterator[Conversation]:
    """Yield so many rows, numbered from 1 on; the words of each question are remembered."""
    dice = random.Random(seed)
    asked: set[str] = set()
    while len(asked) < count:
        question = filled(dice.choice(_LEADS) + dice.choice(_QUESTIONS), dice)
        if question not in asked:
            asked.add(question)
            yield Conversation(messages=tuple(_turns(question, dice)), row=len(asked))


def answer(dice: random.Random) -> str:
    """Return an answer of some sentences, now and then as a list, JSON or code."""
    said = [filled(one, dice) for one in dice.sample(_SENTENCES, dice.randint(3, 5))]
    form = dice.random()
    if form < 0.06:
        return "\n".join(f"{number}. {one}" for number, one in enumerate(said, start=1))
    if form < 0.09:
        names = filled("{part}|{stuff}|{place}", dice).split("|")
        return f'{{"steps": ["{said[0]}", "{said[2]}"], "needs": ["{names[0]}", "{names[1]}"]}}'
    if form < 0.12:
        return f"{said[0]}\n\n```python\nprint({{'{filled('{part}', dice)}': 1}})\n```\n{said[1]}"
    return " ".join(said)


def filled(pattern: str, dice: random.Random) -> str:
    """Return `pattern` with words in its braces."""
    pieces = pattern.split("{")
    told = [pieces[0]]
    for piece in pieces[1:]:
        slot, _, rest = piece.partition("}")
        told.append(dice.choice(_WORDS[slot].split("|")) + rest)
    return "".join(told)


def _turns(question: str, dice: random.Random) -> Iterator[Message]:
    if dice.random() < 0.15:
        yield Message(role="system", content=filled(dice.choice(_SYSTEMS), dice))
    yield Message(role="user", content=question)
    yield Message(role="assistant", content=answer(dice))
    if dice.random() < 0.15:
        yield Message(role="user", content=filled(f"And then? {dice.choice(_QUESTIONS)}", dice))
        yield Message(role="assistant", content=answer(dice))
