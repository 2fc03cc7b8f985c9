"""Codes of names (E2xx), types (E3xx), constants and state (E4xx), and warnings (W1xx)."""

from __future__ import annotations

from losslang.diagnostics.codes import Code

__all__ = ["CODES"]

CODES: dict[str, Code] = {
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
    "E301": Code(
        "sizes differ",
        "Two values are combined along an axis on which they have different sizes. Both places, "
        "and the networks the sizes come from, "
        "are shown.",
        "alignment(p[a], stopgrad(z[b]))   # p has 512 features, z has 256",
        "predictor: mlp(512, 256)",
    ),
    "E302": Code(
        "no such axis",
        "An operation works over an axis that its value does not have. Axes that a reduction removes are gone afterwards.",
        "mean(norm(z, over=feature), over=feature)",
        "mean(norm(z, over=feature), over=batch)",
    ),
    "E303": Code(
        "outer product by accident",
        "One value has an axis, the other its primed copy, and none has both: matching them would "
        "pair everything with everything.",
        "mean(s, over=batch') + mean(s, over=batch)",
        "dot(u, v, pairs=batch)",
    ),
    "E304": Code(
        "mask or number",
        "`and`, `or`, `not` and `where=` take masks, which comparisons and same(axis) make.",
        "mean(z, where=z)",
        "mean(z, where=z > 0)",
    ),
    "E305": Code(
        "summed and paired",
        "`dot` sums over an axis or keeps its copies apart, not both.",
        "dot(z, z, over=batch, pairs=batch)",
        "dot(z, z, over=feature, pairs=batch)",
    ),
    "E306": Code(
        "not a matrix",
        "Matrix functions work on a pair of axes [a, a'], which cov, second_moment, similarity and dot(…, pairs=) make.",
        "logdet(z)",
        "logdet(same(feature) + second_moment(z))",
    ),
    "E307": Code(
        "count out of range",
        "The number of entries asked for is not available.",
        "first(z, 500, over=feature)   # z has 128 features",
        "first(z, 64, over=feature)",
    ),
    "E308": Code(
        "no knots",
        "`integrate` is the trapezoid rule over the knots of `linspace`.",
        "integrate(z, over=feature)",
        "integrate(exp(-linspace(0, 3, 17)^2), over=knot)",
    ),
    "E309": Code(
        "term is not one number",
        "The loss is a sum of numbers. Reduce the remaining axes with mean or sum, or loop over the views.",
        "align: variance_hinge(z)      # one number per view",
        "align: mean(variance_hinge(z))",
    ),
    "E310": Code(
        "not a value",
        "A list or a quoted text stands where a value is computed.",
        "mean([z, p])",
        "mean(f(v) for v in views)",
    ),
    "E311": Code(
        "views or axis as a value",
        "Names of views stand in brackets and loops, names of axes in over=, pairs= and size(z, …).",
        "mean(batch)",
        "mean(z, over=batch)",
    ),
    "E312": Code(
        "function as a value",
        "Networks and functions are applied to values; alone they are not one.",
        "alignment(predictor, z)",
        "alignment(predictor(z), z)",
    ),
    "E313": Code(
        "images as vectors",
        "The images x go through a network first; operations work on embeddings.",
        "mean(x)",
        "mean(encoder(x))",
    ),
    "E314": Code(
        "not an axis",
        "An option that names axes is given something else.",
        "mean(z, over=1)",
        "mean(z, over=batch)",
    ),
    "E315": Code(
        "unknown axis",
        "Axes are named view, batch, feature, prototype, and those that operations introduce "
        "(queue, knot, direction, rank, group).",
        "mean(z, over=batches)",
        "mean(z, over=batch)",
    ),
    "E316": Code(
        "loop in the wrong call",
        "Loops stand in mean, sum, max and logsumexp, which reduce all their items at once.",
        "norm(z[v] for v in views)",
        "mean(norm(z[v]) for v in views)",
    ),
    "E317": Code(
        "empty loop",
        "After its condition the loop has no items left, so it has no value.",
        "mean(f(u) for u in views if u != u)",
        "mean(f(u) for u in views if u != a)",
    ),
    "E318": Code(
        "loop name taken",
        "A loop introduces a new name; one that is in use would hide it.",
        "mean(z[z] for z in views)",
        "mean(z[v] for v in views)",
    ),
    "E319": Code(
        "no views to choose from",
        "A value in brackets must have the axis view; it may have been chosen or reduced before.",
        "z[a][b]",
        "z[a]",
    ),
    "E320": Code(
        "view not among its views",
        "The value was computed for some views only (as target(x[global])), and another is asked for.",
        "target(x[global])[local]",
        "target(x)[local]",
    ),
    "E321": Code(
        "local inside local",
        "Groups of groups have no meaning here.",
        "local(local(e, rows=8), rows=64)",
        "local(e, rows=8)",
    ),
    "E322": Code(
        "images and vectors",
        "A backbone takes images, every other network takes vectors.",
        "projector(x)",
        "projector(encoder(x))",
    ),
    "E323": Code(
        "one network, two sizes",
        "A network has one input size; a name used twice shares its weights.",
        "predictor(z) and predictor(h), of different sizes",
        "two networks under two names",
    ),
    "E324": Code(
        "argument lacks an axis",
        "The definition declares the axes of its parameter, as in z: [batch, feature]; further axes are mapped over.",
        "variance_hinge(mean(z, over=batch))",
        "variance_hinge(z)",
    ),
    "E325": Code(
        "size of a computed value",
        "compile_loss takes sizes= for the tensors that enter the loss: outputs of networks. Other sizes follow from them.",
        "compile_loss(spec, sizes={'c': 64})   # c: cov(z, ddof=1)",
        "compile_loss(spec, sizes={'z': 64})",
    ),
    "E326": Code(
        "same without a size",
        "same(axis) takes its size from the value it is combined with; alone it has none.",
        "trace(same(feature))",
        "trace(same(feature) + second_moment(z[a]))",
    ),
    "E327": Code(
        "one number is needed",
        "A momentum, and the epsilon of sinkhorn, are the same for every entry: they have no axes.",
        "q: sinkhorn(scores, epsilon=scores, iterations=3)",
        "q: sinkhorn(scores, epsilon=0.05, iterations=3)",
    ),
    "E401": Code(
        "statistic per image",
        "A running statistic has no batch axis: the images differ from step to step.",
        "running(z, momentum=0.9, read=before)",
        "running(mean(z, over=batch), momentum=0.9, read=before)",
    ),
    "E402": Code(
        "not a constant",
        "Parameters are numbers, or computed from numbers, earlier parameters and schedules.",
        "parameters: {t: mean(z)}",
        "parameters: {t: 0.1}",
    ),
    "E403": Code(
        "not a finite number",
        "The constant divides by zero or is too large.",
        "parameters: {t: 1 / 0}",
        "parameters: {t: 1 / 2}",
    ),
    "E404": Code(
        "wrong schedule",
        "Schedules are cosine(a, b), linear(a, b) and step(a, b, epochs=E), with epochs= or steps=, warmup= and every=epoch.",
        "cosine(1)",
        "cosine(0.996, 1)",
    ),
    "E405": Code(
        "a constant number is needed",
        "The option is part of the operation itself, so it cannot depend on the batch or on the step.",
        "cov(z, ddof=mean(z))",
        "cov(z, ddof=1)",
    ),
    "E407": Code(
        "too large",
        "Loops over views and calls of definitions are written out; beyond 10,000 expressions, 3,000 operations, "
        "10,000 pairs of views, or nesting too deep to follow, the method is refused.",
        "views: {crop: 1000} with a loop over all pairs",
        "compare every view with the mean of all",
    ),
    "E408": Code(
        "state inside an expression",
        "State (running, queue, memory, centroids) needs a name of its own, for its place in state_dict.",
        "q: softmax(t - running(mean(t, over=batch), momentum=0.9, read=before))",
        "center: running(mean(t, over=batch), momentum=0.9, read=before)",
    ),
    "E409": Code(
        "schedule inside an expression",
        "Give the schedule a name under `parameters`, so that it can be overridden and logged.",
        "align: linear(0, 1) * alignment(z[a], z[b])",
        "parameters: {weight: 'linear(0, 1)'}",
    ),
    "E410": Code(
        "input without a name",
        "compile_loss calls its inputs by the names of their definitions, so every network output that the loss uses needs one.",
        "define: {q: normalize(projector(encoder(x)))}",
        "define: {h: projector(encoder(x)), q: normalize(h)}",
    ),
    "E411": Code(
        "size of a state not known",
        "State has a fixed shape, and an axis of it follows from the backbone or from the caller's tensors.",
        "losslang.compile_loss('method.yaml')",
        "losslang.compile_loss('method.yaml', sizes={'z': 128})",
    ),
    "E413": Code(
        "centroids of something else than a memory",
        "Centroids are found once an epoch, over the values of all images; only a memory holds those.",
        "centroids(z[a], count=3000)",
        "define: {stored: memory(z), c: 'centroids(stored[a], count=3000)'}",
    ),
    "W101": Code("unused network", "The network is never applied, so it is built for nothing.", "", ""),
    "W102": Code("unused definition", "No term depends on the definition.", "", ""),
    "W103": Code("unused parameter", "Changing the parameter changes nothing.", "", ""),
    "W104": Code(
        "term without gradient",
        "Every path from the term to a trained network is cut by stopgrad, a target, an assignment or a running statistic.",
        "align: alignment(stopgrad(p[a]), stopgrad(z[b]))",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W105": Code("weight zero", "The term is computed and then multiplied by 0.", "", ""),
    "W106": Code(
        "target of untrained networks",
        "The moving average follows networks that no term trains, so it never moves.",
        "",
        "",
    ),
    "W107": Code(
        "variance hinge on unit vectors",
        "The features of unit vectors in d dimensions have a deviation of at most d^-½; a hinge at "
        "1 only pushes along the sphere.",
        "variance_hinge(normalize(z))",
        "variance_hinge(z)",
    ),
    "W108": Code(
        "gradient through a long memory",
        "With read=after the current batch enters with weight 1 - momentum, and so does its gradient.",
        "running(…, momentum=0.999, read=after)",
        "running(…, momentum=0.9, read=after)",
    ),
    "W109": Code(
        "network that never learns",
        "Every use of the network is behind a stop-gradient, so it stays as it began. A predictor must learn to hold an "
        "objective up: with the stop-gradient on its side (Mirror SimSiam, Zhang et al. 2022) the objective collapses.",
        "align: alignment(stopgrad(p[a]), z[b])   # p: predictor(z)",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W110": Code(
        "predictor on both sides",
        "Both branches pass the same networks, the predictor among them. Then the stopped branch differs from the live one "
        "by nothing, the extra gradient that a predictor adds is zero, and the objective collapses (Zhang et al. 2022). "
        "Networks behind one another and a comparison of equals are no mistake where another term repels.",
        "align: alignment(p[a], stopgrad(p[b]))   # p: predictor(z)",
        "align: alignment(p[a], stopgrad(z[b]))",
    ),
    "W111": Code(
        "local statistics",
        "Means, covariances and similarities inside `local` see groups of rows, as methods do that leave their statistics to "
        "each device. The groups are the same on any number of processes, but the objective is another one than on the whole "
        "batch: a covariance of fewer rows than features has no full rank, and fewer negatives repel less.",
        "local(coding_rate(z[a]), rows=64)",
        "coding_rate(z[a])   # or, where it is meant: # losslang: allow(W111)",
    ),
}
