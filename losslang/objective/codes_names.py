"""Codes E2xx: names, arguments, and what stands for what."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["NAMES"]

NAMES: Final[dict[str, Code]] = {
    "E201": Code(
        "unknown name",
        "An expression uses a name that is neither a definition, a parameter, a view nor the "
        "images x. Parameters see only earlier "
        "parameters; a function (`def`) sees only its own parameters and bindings, so that it can be copied anywhere.",
        "align: alignment(q[a], z[b])   # q is not defined",
        "define: {p: predictor(z)}  …  align: alignment(p[a], z[b])",
    ),
    "E202": Code(
        "wrong arguments, or an unknown function",
        "A call names no operation, function or network, lacks an argument it needs, or has too "
        "many. The message shows how the call "
        "is written; `losslang list primitives` shows all there are.",
        "mean(alignment(z[a]))",
        "mean(alignment(z[a], z[b]))",
    ),
    "E203": Code(
        "unknown option",
        "A call is given an option by a name it does not have, or the same option twice.",
        "variance_hinge(z[a], gama=1)",
        "variance_hinge(z[a], target=1)",
    ),
    "E204": Code(
        "definitions in a circle",
        "Definitions (or functions) that need each other have no value. Break the circle; for a "
        "value of the step before, use running().",
        "define: {a: b + 1, b: a + 1}",
        "define: {a: 1 + 1, b: a + 1}",
    ),
    "E205": Code(
        "extends in a circle",
        "A method extends another that extends it again, directly or through others.",
        "method: mine / extends: mine",
        "method: mine / extends: simsiam",
    ),
    "E206": Code(
        "given twice",
        "One file gives the same entry twice. In a chain of `extends` the later file replaces the "
        "earlier entry, but within a file that "
        "would hide a mistake.",
        "network p = linear(4)\nnetwork p = linear(8)",
        "network p = linear(8)",
    ),
    "E207": Code(
        "nothing to remove",
        "`null` (in text: remove) takes away an entry that `extends` brings; here there is none of that name.",
        "networks: {predicto: null}",
        "networks: {predictor: null}",
    ),
    "E208": Code(
        "no objective",
        "A method minimises the sum of the terms of its objective, so it needs one at least, its own or inherited.",
        "method: mine",
        "objective: {align: 'alignment(z[a], z[b])'}",
    ),
    "E209": Code(
        "unknown view",
        "Indexing and loops take the views and groups that the method declares, `views` for all of "
        "them, or sums of those. Without a "
        "declaration the views are a and b.",
        "z[c]",
        "z[b]",
    ),
    "E210": Code(
        "not a view",
        "A place that takes views holds something else, or a group where one view is compared.",
        "mean(f(z[v]) for v in 1 + 2)",
        "mean(f(z[v]) for v in global + local)",
    ),
    "E211": Code(
        "not a condition on views",
        "The `if` of a loop chooses views before any value is known: it compares loop names and views.",
        "mean(f(z[u]) for u in views if mean(z[u]) > 0)",
        "mean(f(z[u]) for u in views if u != a)",
    ),
    "E212": Code(
        "not a network",
        "An entry of `networks` is a constructor such as mlp(512, 2048), or the name of another "
        "network (which shares its weights).",
        "networks: {p: 512}",
        "networks: {p: linear(512)}",
    ),
    "E213": Code(
        "unknown network",
        "There is no network or constructor of that name.",
        "networks: {p: mpl(512)}",
        "networks: {p: mlp(512)}",
    ),
    "E214": Code(
        "networks in a circle",
        "Networks that are built from each other have no beginning.",
        "networks: {a: chain(b), b: chain(a)}",
        "networks: {a: linear(8), b: chain(a)}",
    ),
    "E215": Code(
        "wrong arguments of a constructor",
        "The constructor needs other sizes or parts; the message shows how it is written.",
        "target: ema(encoder)",
        "target: ema(encoder, momentum=0.99)",
    ),
    "E216": Code(
        "not a whole number",
        "Sizes and counts are whole numbers. They may be parameters, but not schedules.",
        "mlp(0.5)",
        "mlp(512)",
    ),
    "E217": Code(
        "not one of the words",
        "The option takes one of a few words, which the message lists.",
        "mlp(8, activation=rely)",
        "mlp(8, activation=relu)",
    ),
    "E218": Code(
        "a computation with schedules",
        "Here a number or one schedule is needed; sums and products of schedules are allowed only in weights and temperatures.",
        "momentum=1 - cosine(0.1, 0)",
        "momentum=cosine(0.9, 1)",
    ),
    "E219": Code(
        "momentum out of range",
        "Momentum is the share of the old value that is kept at each step, from 0 to 1.",
        "ema(encoder, momentum=99.6)",
        "ema(encoder, momentum=0.996)",
    ),
    "E220": Code(
        "name taken",
        "Parameters, networks, functions, definitions, views and operations share one namespace. Terms have their own.",
        "define: {mean: projector(x)}",
        "define: {z: projector(x)}",
    ),
    "E221": Code(
        "unknown parameter set from outside",
        "The command line, a recipe or an experiment sets a parameter that the method does not declare.",
        "losslang train specs/simclr.yaml --set temprature=0.2",
        "losslang train specs/simclr.yaml --set temperature=0.2",
    ),
    "E222": Code(
        "nothing to extend",
        "`extends` names a method: a file beside this one, or one that ships (`losslang list specs`).",
        "extends: simsam",
        "extends: simsiam",
    ),
}
