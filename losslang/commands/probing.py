"""`losslang probe`: the forces of a method, or its extra gradient, as text, JSON, CSV or a figure."""

from __future__ import annotations

from argparse import Namespace

from losslang.diagnostics import LosslangError

__all__ = ["probed"]


def probed(options: Namespace) -> str:
    """What the options ask for, as text. Raises SpecError, and LosslangError for options that do not fit together."""
    from losslang import pipeline

    if options.extra:
        if options.csv or options.plot:
            raise LosslangError("--extra is shown as text or with --json; --csv and --plot show forces")
        extra = pipeline.extra_gradient(options.spec, parameters=options.set)
        return f"{extra.json() if options.json else extra.text()}\n"
    found = pipeline.probe(options.spec, parameters=options.set)
    if options.plot:
        from losslang.analysis.probe_plot import plot

        plot(found, options.plot)
    if options.csv:
        return found.csv()
    return f"{found.json() if options.json else found.text()}\n"
