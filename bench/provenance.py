"""How figures came about: the words, their order, and collections whose members differ in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Provenances from the best founded to the least: of what was given nobody here knows how it came
#: about. Tables store places in this list, so that it grows at its end alone.
Word = Literal["measured", "block-sum", "predicted", "modelled", "simulated", "given"]
PROVENANCES: tuple[str, ...] = get_args(Word)
_RANKS = {word: np.uint8(rank) for rank, word in enumerate(PROVENANCES)}
Ranks = NDArray[np.uint8]
#: The latencies of a pair, which come about alike.
LATENCIES = ("latency_ms", "latency_p95_ms", "latency_worst_ms")
_ANALYTIC = dict.fromkeys(("macs", "params", "peak_memory_mib", "ram_kib", "flash_kib"), "modelled")
#: What a mean of two is, by what the weaker of the two is.
_OF_MEAN = np.array([PROVENANCES.index("modelled"), *range(1, len(PROVENANCES))], np.uint8)


class MemberWords(Mapping[str, str]):
    """How figures of several networks or points came about, of which each has its own words.

    Read as a mapping, it gives the least founded word of all members by field.

    Args:
        ranks: places in ``PROVENANCES`` by field, one a member, shape (n,) each.
        common: words by field that are the same for all members.

    >>> words = MemberWords({"latency_ms": np.array([1, 2], np.uint8)}, {"macs": "modelled"})
    >>> dict(words)
    {'latency_ms': 'predicted', 'macs': 'modelled'}
    >>> words.at(0)
    {'latency_ms': 'block-sum', 'macs': 'modelled'}
    """

    def __init__(self, ranks: Mapping[str, Ranks], common: Mapping[str, str] | None = None) -> None:
        self.ranks, self.common = dict(ranks), dict(common or {})
        self._weakest: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self.ranks:
            return self.common[name]
        if name not in self._weakest:
            self._weakest[name] = PROVENANCES[int(self.ranks[name].max(initial=0))]
        return self._weakest[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.ranks
        yield from self.common

    def __len__(self) -> int:
        return len(self.ranks) + len(self.common)

    def __repr__(self) -> str:
        return f"MemberWords({dict(self)})"

    def at(self, index: int) -> dict[str, str]:
        """The words of one member by field."""
        own = {name: PROVENANCES[ranks.item(index)] for name, ranks in self.ranks.items()}
        return {**own, **self.common}

    def take(self, index: Any) -> MemberWords:
        """The members at ``index``, integers or a mask."""
        return MemberWords({n: ranks[index] for n, ranks in self.ranks.items()}, self.common)


def least_founded(words: Iterable[str], default: str) -> str:
    """The last of ``PROVENANCES`` among some; ``default`` where there are none."""
    return max(words, key=PROVENANCES.index, default=default)


def in_order(words: Iterable[str]) -> list[str]:
    """Words without repetition, the best founded first; those that are not provenances last.

    >>> in_order(["given", "predicted", "given"])
    ['predicted', 'given']
    """
    places = {word: place for place, word in enumerate(PROVENANCES)}
    return sorted(set(words), key=lambda word: (places.get(word, len(places)), word))


def words_among(words: Mapping[str, str], name: str, index: Any = slice(None)) -> list[str]:
    """The words of a field that occur among some members, the best founded first; [] where none.

    >>> words_among(MemberWords({"latency_ms": np.array([5, 1, 5], np.uint8)}), "latency_ms")
    ['block-sum', 'given']
    """
    if name not in words:
        return []
    if not isinstance(words, MemberWords) or name not in words.ranks:
        return [words[name]]
    return [PROVENANCES[rank] for rank in np.unique(words.ranks[name][index]).tolist()]


def with_common(words: Mapping[str, str], more: Mapping[str, str]) -> Mapping[str, str]:
    """The words of a collection with those of further fields, which all members have in common."""
    if isinstance(words, MemberWords):
        return MemberWords(words.ranks, {**more, **words.common})
    return {**more, **words}


def with_fields(words: Mapping[str, str], more: MemberWords) -> MemberWords:
    """The words of a collection with those of further fields, in which its members differ."""
    if isinstance(words, MemberWords):
        return MemberWords({**more.ranks, **words.ranks}, {**more.common, **words.common})
    return MemberWords(more.ranks, {**more.common, **words})


def words_at(words: Mapping[str, str], index: int) -> Mapping[str, str]:
    """The words of one member of a collection by field."""
    return words.at(index) if isinstance(words, MemberWords) else words


def words_taken(words: Mapping[str, str], index: Any) -> Mapping[str, str]:
    """The words of some members of a collection by field."""
    return words.take(index) if isinstance(words, MemberWords) else words


def ranks_of(words: Mapping[str, str], name: str) -> Ranks:
    """Places of a field's words in ``PROVENANCES``, shape (n,), or () where all are the same."""
    if isinstance(words, MemberWords) and name in words.ranks:
        return words.ranks[name]
    return np.asarray(_RANKS[words[name]])


def chosen(where: ArrayLike, yes: Mapping[str, str], no: Mapping[str, str]) -> Mapping[str, str]:
    """Words of collections whose members are of two kinds, of the fields of the second.

    Args:
        where: whether each member is of the first kind, shape (n,).
        yes: words of those that are, by field; of other fields they have the words of ``no``.
        no: words of those that are not, by field.
    """
    mask = np.asarray(where, np.bool_)
    if not mask.any():
        return no
    by_member = {n for w in (yes, no) if isinstance(w, MemberWords) for n in w.ranks if n in no}
    if mask.all() and not by_member:
        return {**no, **yes}
    differing = by_member | {n for n in no if n in yes and yes[n] != no[n]}
    if not differing:
        return no
    ranks = {
        n: np.where(mask, ranks_of(yes if n in yes else no, n), ranks_of(no, n)) for n in differing
    }
    return MemberWords(ranks, {n: word for n, word in no.items() if n not in differing})


def pair_provenance(
    little: Mapping[str, str], big: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """How the figures of pairs came about, given those of their networks: as their weakest part.

    A mean over little and big is computed, never measured: of measured parts it is ``modelled``.
    MACs and memory are analytic, unless the words of the networks say otherwise.

    Args:
        little: words of the little networks, "latency_ms" and "energy_mj"; of both where ``big``
            is None.
        big: words of the big networks; those of collections broadcast.
    """
    parts = little if big is None or big is little else weakest([little, big])
    fields = {"energy_mj": ("energy_mj",), "latency_ms": LATENCIES}
    by_row = parts.ranks if isinstance(parts, MemberWords) else {}
    words = {n: parts.get(n, word) for n, word in _ANALYTIC.items() if n not in by_row}
    ranks: dict[str, Ranks] = {n: by_row[n] for n in _ANALYTIC if n in by_row}
    for name, columns in fields.items():
        if name in by_row:
            of_mean = _OF_MEAN[by_row[name]]
            ranks |= dict.fromkeys(columns, of_mean)
        else:
            word = parts[name] if parts[name] != "measured" else "modelled"
            words |= dict.fromkeys(columns, word)
    return MemberWords(ranks, words) if ranks else words


def asked(little: Mapping[str, str], big: Mapping[str, str], rate: ArrayLike) -> Mapping[str, str]:
    """The words of networks of pairs: the weaker of both, little's alone where big is never asked.

    Args:
        little: words of the little networks; those of collections broadcast.
        big: words of the big networks, likewise.
        rate: share of inputs that is escalated, of the shape of the pairs.
    """
    return chosen(np.asarray(rate) > 0, weakest([little, big]), little)


def answered_pairs(
    little: Mapping[str, str], big: Mapping[str, str], answers: str, rate: ArrayLike
) -> Mapping[str, str]:
    """How all figures of pairs came about: costs as their weakest part, answers by one word.

    Args:
        little: words of the little networks' costs; those of collections broadcast.
        big: words of the big networks' costs, likewise.
        answers: word of accuracy and escalation rate, ``measured`` for images that were answered.
        rate: share of inputs that is escalated; where it is 0, the costs are those of little alone.
    """
    more = {"accuracy": answers, "escalation_rate": answers}
    return with_common(pair_provenance(asked(little, big, rate)), more)


def with_answers(
    words: Mapping[str, str], parts: Mapping[str, str], answers: Mapping[str, str]
) -> Mapping[str, str]:
    """The words of pairs with those of what was answered: as the weakest of their networks.

    Args:
        words: words of the pairs' costs.
        parts: words of their networks, "accuracy" among them where networks differ in it.
        answers: words of accuracy and escalation rate where they do not.
    """
    if "accuracy" not in parts:
        return with_common(words, answers)
    if not isinstance(parts, MemberWords) or "accuracy" not in parts.ranks:
        return with_common(words, dict.fromkeys(answers, parts["accuracy"]))
    return with_fields(words, MemberWords(dict.fromkeys(answers, parts.ranks["accuracy"])))


def weakest(parts: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The least founded of several words about the same members, by field that all parts have.

    Parts whose members differ have the same number of them, or one.
    """
    names = [name for name in parts[0] if all(name in part for part in parts)]
    if not any(isinstance(part, MemberWords) for part in parts):
        return {name: least_founded((part[name] for part in parts), "") for name in names}
    ranks: dict[str, Ranks] = {}
    common: dict[str, str] = {}
    for name in names:
        if any(isinstance(part, MemberWords) and name in part.ranks for part in parts):
            ranks[name] = np.maximum.reduce(
                np.broadcast_arrays(*(ranks_of(part, name) for part in parts))
            )
        else:
            common[name] = least_founded((part[name] for part in parts), "")
    return MemberWords(ranks, common)


def gathered(members: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """The words of a collection from those of its members; a figure that is missing has none.

    Raises:
        ValueError: members differ in a word that is not a provenance.
    """
    first: dict[str, str] = {}
    differing: dict[str, None] = {}
    for words in members:
        for name, word in words.items():
            if first.setdefault(name, word) != word:
                differing[name] = None
    if not differing:
        return first
    for words in members:
        for name in differing:
            if name in words and words[name] not in PROVENANCES:
                raise ValueError(
                    f"it has provenance {words[name]!r} for {name}, expected one of "
                    f"{', '.join(PROVENANCES)}"
                )
    ranks = {
        name: np.array([_RANKS[words.get(name, PROVENANCES[0])] for words in members], np.uint8)
        for name in differing
    }
    return MemberWords(ranks, {n: word for n, word in first.items() if n not in differing})


def in_turn(parts: Sequence[Mapping[str, str]], sizes: Sequence[int]) -> Mapping[str, str]:
    """The words of several collections, one after the other; a figure that is missing has none.

    Args:
        parts: words of each collection by field.
        sizes: number of members of each collection.
    """
    ranks: dict[str, Ranks] = {}
    common: dict[str, str] = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        there = [part for part in parts if name in part]
        if all(not isinstance(p, MemberWords) or name in p.common for p in there) and all(
            p[name] == there[0][name] for p in there
        ):
            common[name] = there[0][name]
        else:
            each = zip(parts, sizes, strict=True)
            own = [(ranks_of(p, name) if name in p else _RANKS[PROVENANCES[0]], n) for p, n in each]
            ranks[name] = np.concatenate([np.broadcast_to(r, n) for r, n in own])
    return MemberWords(ranks, common) if ranks else common
