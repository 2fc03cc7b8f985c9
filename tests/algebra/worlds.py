"""Random worlds for two forms of one method: the same embeddings, networks and state for both."""

from dataclasses import replace

import numpy as np

from losslang.algebra.canonical import labels_of
from losslang.algebra.digest import Digests
from losslang.algebra.identities import IDENTITIES, normal_form
from losslang.meaning.evaluate import World, evaluate, slopes
from losslang.objective.boundary import find_inputs
from losslang.objective.graph import Graph, walk
from losslang.objective.schedules import Clock

ROWS, FEATURES = 40, 16
STEP = 1e-5


def rewritten(spec, rows=None):
    """The graph of a method by the rows of the table (or by others), how often each was used, and what tells values apart."""
    digests = Digests(labels_of(spec))
    bare = Graph(spec.graph.terms, {}, spec.graph.states, ())
    found = normal_form(bare, spec.parameters, digests, IDENTITIES if rows is None else tuple(rows))
    return found.graph, found.used, digests


def leaves(spec):
    """The embeddings of a method."""
    return [i.node for i in find_inputs(spec)]


def draws(spec, seed):
    """Random arrays [view, batch, feature] for the embeddings, in their order; views of an image are alike."""
    random = np.random.default_rng(seed)
    found = []
    for node in leaves(spec):
        shape = [ROWS if d.axis.name == "batch" else d.known or FEATURES for d in node.type.dims]
        shared = [1 if d.axis.name == "view" else n for d, n in zip(node.type.dims, shape, strict=True)]
        found.append(0.3 + random.standard_normal(shared) + 0.7 * random.standard_normal(shape))
    return found


def world(spec, arrays, state=None):
    """The world in which a method is evaluated as it is."""
    given = {node.number: array for node, array in zip(leaves(spec), arrays, strict=True)}
    return World(
        given,
        networks={name: _network(spec, name) for name in spec.networks},
        state=_first_state(spec) | (state or {}),
        rows=np.arange(ROWS),
        clock=Clock(steps=1000, steps_per_epoch=10),
        step=500,
        seed=3,
    )


def settled(spec, seed):
    """State after a step on other data, which is neither zero nor that of this batch."""
    return evaluate(spec, world(spec, draws(spec, seed))).state


def _network(spec, name):
    network = spec.networks[name]
    while network.kind in {"frozen", "freeze_for"}:
        network = network.parts[0]
    if network.kind != "prototypes":
        return lambda z: z
    drawn = np.random.default_rng(1).standard_normal((64, network.widths[0]))
    return lambda z: z @ drawn[: z.shape[-1]]


def _first_state(spec):
    random = np.random.default_rng(2)
    found = {}
    for state in spec.graph.states:
        if state.node.op in {"memory", "centroids"}:
            sizes = [dim.known or ROWS for dim in state.node.type.dims if dim.axis.name != "batch"]
            shape = (ROWS, *sizes) if state.node.op == "memory" else sizes
            found[state.name] = random.standard_normal(shape)
    return found


def canonical_world(spec, graph, digests, arrays, state=None):
    """The same world for the rewritten graph, which has its own numbers, lengths and identities."""
    plain = Digests(labels_of(spec))
    by_digest = {plain.of(node): array for node, array in zip(leaves(spec), arrays, strict=True)}
    given = {}
    for node in walk([t.value for t in graph.terms] + [s.node for s in graph.states]):
        if node.op == "apply" and digests.of(node) in by_digest:
            given[node.number] = by_digest[digests.of(node)]
        elif node.op == "length":
            given[node.number] = np.asarray(float(_length(spec, node["size"])))
        elif node.op in {"ones", "zeros"}:
            shape = [dim.known or _length(spec, dim.size) for dim in node.type.dims]
            given[node.number] = np.full(shape, float(node.op == "ones"))
        elif node.op == "same" and not node.inputs:
            dim = node.type.dims[0]
            given[node.number] = np.eye(dim.known or _length(spec, dim.size))
    return replace(world(spec, arrays, state), given=given)


def _length(spec, size):
    if size == "groups":
        return ROWS // min(ROWS, *(node["rows"] for node in spec.graph.nodes() if node.op == "group"))
    if size.startswith("rows("):
        return min(ROWS, int(size[5:-1]))
    return ROWS if size == "batch" else FEATURES


def differences(spec, graph, digests, seed, terms=None):
    """The largest differences in value and in gradient of a method and its rewritten form, against their size.

    Gradients are derivatives of every term along a random direction of every embedding.
    """
    arrays, state = draws(spec, seed), settled(spec, seed + 1000)
    other = replace(spec, graph=graph)

    forms = (
        (spec, lambda arrays: world(spec, arrays, state)),
        (other, lambda arrays: canonical_world(spec, graph, digests, arrays, state)),
    )
    bases = [evaluate(form, of(arrays)) for form, of in forms]
    value = _gap(*(base.terms for base in bases))
    random, gradient = np.random.default_rng(seed), 0.0
    for at, array in enumerate(arrays):
        direction = random.standard_normal(array.shape)

        def moved(by, at=at, direction=direction):
            return [x + by * direction if i == at else x for i, x in enumerate(arrays)]

        along = [
            slopes(form, base, lambda by, of=of, moved=moved: of(moved(by)), STEP)
            for (form, of), base in zip(forms, bases, strict=True)
        ]
        gradient = max(gradient, _gap(*along))
    return value, gradient


def _gap(one, two):
    return max(abs(one[name] - two[name]) / max(1.0, abs(one[name])) for name in one)
