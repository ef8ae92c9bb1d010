"""Put the rows of a dataset into groups that a split may not part, each with a number.

Rows are of one group when they share

* the prompt, after normalisation;
* the name of a group that the dataset gives them, as of the document they were made from;
* the beginning of a conversation: the first two turns after the system prompt;
* nearly everything (`near_duplicates`).

The first two always join. The others are read from the text, and a text may be a form: many
conversations begin with a greeting, and all rows of a template are near duplicates. So neither
joins, all of it, if a group would come to hold more than a tenth of the rows (and more than ten),
or if so few groups were left that no proof could be held out, while there were enough before.

A group's number is from 0 to 1. It is the hash of the prompt, of the name that a dataset gave its
group, or of the beginning if rows with different prompts share it: each of them is known from any
row, so it stays when rows come and go. If a group has several numbers, the highest counts. A row
that is added may join two groups; the lowest number would then hold out what was trained on
before, and the highest cannot. It also keeps clusters of near duplicates in the training
data, where they do no harm; held out, they would count as many proofs and be one.

A prompt of more than ten rows, or a group of more than ten and a tenth of all, gets a number above
1: held out, it would prove no more than a single row.

A row takes about 500 bytes of memory while it is compared, and 60 afterwards.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.data.clusters import Clusters
from tools.data.conversation import Conversation, read_conversations
from tools.data.conversation_text import answer_of, normalised, normalised_text, prompt_key
from tools.data.near_duplicates import SEED, THRESHOLD, near_clusters
from tools.data.sketches import Sketches

if TYPE_CHECKING:
    import numpy as np

# Another salt deals all prompts anew, and no champion of before can be compared with.
_SALT = "crewtune split 1"
MOST_ROWS_OF_A_PROMPT = 10
MOST_LABELS = 20
_MOST_SHARE = 0.1


class Keys(NamedTuple):
    """What the rows of a dataset share, as 64-bit hashes by their places; 0 is nothing."""

    prompts: np.ndarray
    groups: np.ndarray
    beginnings: np.ndarray
    answers: np.ndarray | None  # None if there are more than a few

    @property
    def prompt_count(self) -> int:
        """How many prompts there are."""
        import numpy as np

        return len(np.unique(self.prompts))


class Groups(NamedTuple):
    """The groups of a dataset, from the lowest number to the highest."""

    of_row: np.ndarray  # the index of each row's group
    numbers: np.ndarray
    joined: dict[str, int]  # how many groups fewer there are, by what their rows share
    near: Clusters  # of near duplicates, whether they were joined or not
    near_joined: bool


def read_keys(source: Path) -> Keys:
    """Return the keys of the rows of `source`.

    Raises:
        DatasetError: `source` is missing or malformed.
    """
    import numpy as np

    prompts, groups, beginnings, answers = (array("Q") for _ in range(4))
    labels: set[int] = set()
    for row in read_conversations(source):
        prompts.append(_hash(prompt_key(row)))
        groups.append(_hash(["group", row.group]) if row.group else 0)
        beginnings.append(_beginning(row))
        if len(labels) <= MOST_LABELS:
            answers.append(_label(row))
            labels.add(answers[-1])
    few = 2 <= len(labels) <= MOST_LABELS and 0 not in labels
    return Keys(
        prompts=np.frombuffer(prompts, np.uint64),
        groups=np.frombuffer(groups, np.uint64),
        beginnings=np.frombuffer(beginnings, np.uint64),
        answers=np.frombuffer(answers, np.uint64) if few else None,
    )


def group_rows(source: Path, keys: Keys, *, least: int, enough: int) -> Groups:
    """Return the groups of the rows of `source`.

    Args:
        source: The dataset.
        keys: What `read_keys` read of it.
        least: The groups that a split cannot do without.
        enough: The groups that a proof takes.
    """
    clusters = Clusters(len(keys.prompts))
    clusters.join_equal(keys.prompts)
    joined = {"group": clusters.join_equal(keys.groups), "beginning": 0, "near_duplicate": 0}
    begun = clusters.copy()
    joins = begun.join_equal(keys.beginnings)
    if _sound(begun, clusters, least, enough):
        clusters, joined["beginning"] = begun, joins
    near, _ = near_clusters(Sketches((source,), threshold=THRESHOLD, seed=SEED), THRESHOLD)
    together = clusters.copy()
    joins = sum(together.join(near.root(place), place) for place in range(len(near)))
    near_joined = _sound(together, clusters, least, enough)
    if near_joined:
        clusters, joined["near_duplicate"] = together, joins
    of_row, numbers = _numbered(clusters, keys)
    return Groups(of_row, numbers, joined, near, near_joined)


def _sound(after: Clusters, before: Clusters, least: int, enough: int) -> bool:
    """Return whether a split of the groups `after` joining proves as much as one `before` it."""
    import numpy as np

    _, sizes = np.unique(after.roots(), return_counts=True)
    _, sizes_before = np.unique(before.roots(), return_counts=True)
    if len(sizes) < least or len(sizes) < enough <= len(sizes_before):
        return False
    return int(sizes.max()) <= max(_most_rows(len(after)), int(sizes_before.max()))


def _most_rows(rows: int) -> float:
    """Return how many rows may be in a group that is held out."""
    return max(MOST_ROWS_OF_A_PROMPT, rows * _MOST_SHARE)


def _numbered(clusters: Clusters, keys: Keys) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of each row's group, and the numbers of the groups in rising order."""
    import numpy as np

    _, of_row, sizes = np.unique(clusters.roots(), return_inverse=True, return_counts=True)
    own = np.where(keys.groups != 0, keys.groups, _shared(keys))
    numbers = np.zeros(len(sizes))
    np.maximum.at(numbers, of_row, own / 2.0**64)
    _, prompt, often = np.unique(keys.prompts, return_inverse=True, return_counts=True)
    large = sizes > _most_rows(len(of_row))
    large[of_row[often[prompt] > MOST_ROWS_OF_A_PROMPT]] = True
    numbers += large
    order = np.argsort(numbers, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[of_row], numbers[order]


def _shared(keys: Keys) -> np.ndarray:
    """Return the beginning of each row that other prompts share, and else its prompt."""
    import numpy as np

    pairs = np.unique(np.stack([keys.beginnings, keys.prompts], axis=1), axis=0)
    beginnings, prompts = np.unique(pairs[:, 0], return_counts=True)
    shared = beginnings[(prompts > 1) & (beginnings != 0)]
    return np.where(np.isin(keys.beginnings, shared), keys.beginnings, keys.prompts)


def _beginning(row: Conversation) -> int:
    first = [message for message in row.messages if message.role != "system"][:2]
    return _hash(["beginning", normalised(first)]) if len(first) == 2 else 0


def _label(row: Conversation) -> int:
    """Return the hash of a row's label, or 0 if it has none."""
    if row.label is not None:
        return _hash(["label", row.label])
    answer = "" if row.plain_text else normalised_text(answer_of(row))
    return _hash(["answer", answer]) if answer else 0


def _hash(key: object) -> int:
    digest = hashlib.sha256(json.dumps([_SALT, key]).encode()).digest()
    return int.from_bytes(digest[:8])
