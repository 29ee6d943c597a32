"""Who was known as whom, when: a pure function from sightings of keys to intervals.

Two ids are one customer while they share a key that few enough ids share. What is learnt at an instant holds from then
on and never before, so a merge moves rows from one customer to another the way a cancellation voids them: by
`recorded_at` and `retracted_at`. A key that grows too popular stops to prove anything at that instant, and a person can
part an id from the others; both undo a merge from then on, and rewrite nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Node = tuple[str, str]  # source, source_id


@dataclass(frozen=True, order=True)
class Sighting:
    """A source saw a key beside an id, at an instant (microseconds)."""

    at: int
    node: Node
    kind: str
    key: str


@dataclass(frozen=True, order=True)
class Decision:
    """From `at` on the id stands alone, or follows its keys again."""

    at: int
    node: Node
    alone: bool


@dataclass(frozen=True)
class Interval:
    """An id belonged to the customer that `leader` names, from `begins` (None: always) until `ends` (None: still)."""

    node: Node
    leader: Node
    evidence: str
    begins: int | None
    ends: int | None


@dataclass(frozen=True)
class _Bond:
    """One key that ties ids together, each from its own instant on, until the key was shared by too many."""

    kind: str
    members: tuple[tuple[int, Node], ...]
    ends: int | None

    def tied(self, at: int, parted: set[Node]) -> list[Node]:
        if self.ends is not None and at >= self.ends:
            return []
        return [node for since, node in self.members if since <= at and node not in parted]


def timelines(
    sightings: Iterable[Sighting], decisions: Iterable[Decision], first_seen: Mapping[Node, int], limit: int
) -> list[Interval]:
    """Intervals of every id that ever belonged to another customer, or had another id belong to it.

    `first_seen` orders ids: the one whose keys were seen first leads. Ordered by id and time.

    >>> a, b = ("web", "1"), ("app", "9")
    >>> seen = [Sighting(10, a, "email", "k"), Sighting(20, b, "email", "k")]
    >>> [(one.node[1], one.leader[1], one.begins) for one in timelines(seen, [], {a: 10, b: 20}, 5)]
    [('9', '9', None), ('9', '1', 20), ('1', '1', None)]
    """
    bonds = _bonds(sightings, limit)
    by_node: dict[Node, list[Decision]] = defaultdict(list)
    for decision in sorted(decisions):
        by_node[decision.node].append(decision)
    found: list[Interval] = []
    for nodes, ours in _clusters(bonds):
        found += _replay(nodes, ours, [one for node in nodes for one in by_node[node]], first_seen)
    return sorted(found, key=lambda one: (one.node, one.begins or -1))


def _bonds(sightings: Iterable[Sighting], limit: int) -> list[_Bond]:
    """One bond for each key that at least two ids share. Beyond the limit only the instant of the breach matters."""
    by_key: dict[tuple[str, str], dict[Node, int]] = defaultdict(dict)
    for one in sorted(sightings):
        by_key[one.kind, one.key].setdefault(one.node, one.at)
    bonds = []
    for (kind, _), members in sorted(by_key.items()):
        order = sorted((at, node) for node, at in members.items())
        if len(order) >= 2:
            bonds.append(_Bond(kind, tuple(order[:limit]), order[limit][0] if len(order) > limit else None))
    return bonds


def _clusters(bonds: Sequence[_Bond]) -> list[tuple[list[Node], list[_Bond]]]:
    """Ids that were ever tied, however indirectly, with their bonds: no other id can matter to them."""
    parent: dict[Node, Node] = {}
    for bond in bonds:
        for _, node in bond.members:
            _join(parent, bond.members[0][1], node)
    groups: dict[Node, tuple[list[Node], list[_Bond]]] = defaultdict(lambda: ([], []))
    for node in sorted(parent):
        groups[_root(parent, node)][0].append(node)
    for bond in bonds:
        groups[_root(parent, bond.members[0][1])][1].append(bond)
    return [groups[root] for root in sorted(groups)]


def _root(parent: dict[Node, Node], node: Node) -> Node:
    parent.setdefault(node, node)
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _join(parent: dict[Node, Node], one: Node, other: Node) -> None:
    parent[_root(parent, other)] = _root(parent, one)


def _replay(
    nodes: Sequence[Node], bonds: Sequence[_Bond], decisions: Sequence[Decision], first_seen: Mapping[Node, int]
) -> list[Interval]:
    """Walk through the instants at which something was learnt; note where an id changes its leader."""
    instants = {since for bond in bonds for since, _ in bond.members}
    instants |= {bond.ends for bond in bonds if bond.ends is not None} | {one.at for one in decisions}
    runs: dict[Node, list[tuple[int | None, Node, str]]] = {node: [(None, node, "alone")] for node in nodes}
    for at in sorted(instants):
        leaders = _leaders(nodes, bonds, _parted(decisions, at), at, first_seen)
        for node, (leader, evidence) in leaders.items():
            if runs[node][-1][1] != leader:
                runs[node].append((at, leader, evidence))
    touched = {node for node, run in runs.items() if len(run) > 1} | {
        one for run in runs.values() for _, one, _ in run[1:]
    }
    return [interval for node in nodes if node in touched for interval in _intervals(node, runs[node])]


def _parted(decisions: Sequence[Decision], at: int) -> set[Node]:
    parted: set[Node] = set()
    for one in decisions:
        if one.at <= at:
            (parted.add if one.alone else parted.discard)(one.node)
    return parted


def _leaders(
    nodes: Sequence[Node], bonds: Sequence[_Bond], parted: set[Node], at: int, first_seen: Mapping[Node, int]
) -> dict[Node, tuple[Node, str]]:
    """Each id's leader at an instant, and the kinds of keys that prove it."""
    parent: dict[Node, Node] = {}
    kinds: dict[Node, set[str]] = defaultdict(set)
    for bond in bonds:
        tied = bond.tied(at, parted)
        for node in tied if len(tied) > 1 else ():
            _join(parent, tied[0], node)
            kinds[node].add(bond.kind)
    teams: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        teams[_root(parent, node)].append(node)
    found = {}
    for team in teams.values():
        leader = min(team, key=lambda node: (first_seen[node], node))
        for node in team:
            found[node] = (leader, "alone" if node == leader else "+".join(sorted(kinds[node])))
    return found


def _intervals(node: Node, run: Sequence[tuple[int | None, Node, str]]) -> list[Interval]:
    ends = [begins for begins, _, _ in run[1:]] + [None]
    return [Interval(node, leader, why, begins, end) for (begins, leader, why), end in zip(run, ends, strict=True)]
