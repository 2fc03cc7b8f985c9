"""Codes of the text form, and of what both spellings share. The examples are `.loss` files; tests read both sides."""

from __future__ import annotations

from typing import Final

from losslang.diagnostics.codes import Code

__all__ = ["STATEMENTS"]

STATEMENTS: Final[dict[str, Code]] = {
    "E130": Code(
        "unknown statement",
        "A line at the left margin begins a statement: one of the words of the text form, or `name = expression`.",
        "method m\nextends simsiam\nnetwrk predictor = mlp(512, 2048)",
        "method m\nextends simsiam\nnetwork predictor = mlp(512, 2048)",
    ),
    "E131": Code(
        "line continues without a bracket",
        "A statement ends with its line unless a bracket is open. So a line that is indented, or begins with an "
        "operator, belongs to the line above by its looks and not by its meaning. Put brackets around the whole.",
        "method m\nextends simsiam\ny = normalize(z)\n    + p",
        "method m\nextends simsiam\ny = (normalize(z)\n    + p)",
    ),
    "E132": Code(
        "tab in the indentation",
        "How far a tab reaches depends on the editor, so indentation is spaces.",
        "method m\nminimize\n\talign: alignment(z[a], z[b])",
        "method m\nminimize\n  align: alignment(z[a], z[b])",
    ),
    "E133": Code(
        "malformed statement",
        "The statement begins with a word of the text form and goes on in another way than it should. The help "
        "shows its form.",
        "method m\nextends simsiam\npaper arXiv",
        'method m\nextends simsiam\npaper "arXiv:2011.10566"',
    ),
    "E134": Code(
        "given twice",
        "Two entries of a section have the same name. Other readers of YAML keep the last in silence; here it is "
        "an error.",
        "method m\nextends simsiam\nz = encoder(x)\nz = projector(encoder(x))",
        "method m\nextends simsiam\nh = encoder(x)\nz = projector(h)",
    ),
    "E135": Code(
        "not a name",
        "Names have letters, digits and `_`, begin with a letter, and are none of the words that begin a "
        "statement of the text form or have a meaning in expressions. Terms of the objective may be called like a "
        "statement. The words are refused in both spellings, so that every method can be written in either.",
        "method m\nextends simsiam\nview = encoder(x)",
        "method m\nextends simsiam\nviews_of_x = encoder(x)",
    ),
    "E136": Code(
        "statement given twice",
        "A method has one name, one title, one list of terms, and so on.",
        "method m\nextends simsiam\nforward joint\nforward separate",
        "method m\nextends simsiam\nforward joint",
    ),
    "E137": Code(
        "nothing below",
        "`minimize` and `recipe` are followed by indented lines, and here are none.",
        "method m\nminimize",
        "method m\nminimize\n  align: alignment(z[a], z[b])",
    ),
    "E138": Code(
        "malformed definition",
        "A definition has a name, parameters in round brackets (with axes or defaults), an `=`, and a value "
        "behind it or on indented lines below.",
        "method m\nextends simsiam\ndef spread(z: batch) = std(z, over=batch, ddof=1)",
        "method m\nextends simsiam\ndef spread(z: [batch]) = std(z, over=batch, ddof=1)",
    ),
    "E139": Code(
        "more than one value in a definition",
        "The last line of a definition is its value. The lines before it name parts of it: `name = expression`.",
        "method m\nextends simsiam\ndef f(z) =\n    mean(z)\n    sum(z)",
        "method m\nextends simsiam\ndef f(z) =\n    m = mean(z)\n    m + sum(z)",
    ),
    "E140": Code(
        "malformed role",
        "A role stands on a line of its own above the definition it describes, and names what the primitive does.",
        "method m\nextends simsiam\n@decentering\ndef f(z) = mean(z)",
        "method m\nextends simsiam\n@role(decentering)\ndef f(z) = mean(z)",
    ),
    "E141": Code(
        "method without a name",
        "Every method has a name; other methods extend it by this name.",
        "extends simsiam\nminimize\n  align: alignment(z[a], z[b])",
        "method m\nextends simsiam\nminimize\n  align: alignment(z[a], z[b])",
    ),
    "E142": Code(
        "method without an objective",
        "A method says what is optimised, directly or by extending a method that does.",
        "method m\nz = encoder(x)",
        "method m\nz = encoder(x)\nminimize\n  align: alignment(z[a], z[b])",
    ),
    "E143": Code(
        "unknown version",
        "The first entry of a file says which version of the language it is written in. There is one: 1.",
        "losslang 2\nmethod m\nextends simsiam",
        "losslang 1\nmethod m\nextends simsiam",
    ),
    "E144": Code(
        "wrong number of views",
        "A group has a whole number of views, between 1 and 1000.",
        "method m\nextends simsiam\nview global = 0.5",
        "method m\nextends simsiam\nview global = 2",
    ),
    "E145": Code(
        "unknown way of running a network",
        "`separate` gives a network each view as a batch of its own, `joint` all views of equal size as one. With "
        "batch norm these are different functions, so the method says which.",
        "method m\nextends simsiam\nforward together",
        "method m\nextends simsiam\nforward joint",
    ),
    "E146": Code(
        "malformed setting",
        "What a method changes of a recipe are plain values: numbers, texts, true, false, or lists of those. They "
        "are not calculated.",
        "method m\nextends simsiam\nrecipe toy\n  optimizer.learning_rate = 0.1 * 2",
        "method m\nextends simsiam\nrecipe toy\n  optimizer.learning_rate = 0.2",
    ),
    "E147": Code(
        "two names for one definition",
        "In YAML a definition stands below its name, and its text names it again. Both must be the same.",
        "losslang: 1\nmethod: m\nextends: simsiam\nfunctions:\n  f: |\n    def g(z) = mean(z)",
        "losslang: 1\nmethod: m\nextends: simsiam\nfunctions:\n  g: |\n    def g(z) = mean(z)",
    ),
    "E148": Code(
        "unknown instruction",
        "A comment that begins with `losslang:` speaks to losslang. It can answer warnings, by their codes, and "
        "nothing else.",
        "# losslang: allow(E301)\nmethod m\nextends simsiam",
        "# losslang: allow(W104)\nmethod m\nextends simsiam",
    ),
    "E149": Code(
        "only definitions stand here",
        "A library, and an entry of `functions`, hold definitions with their roles and nothing else.",
        "losslang: 1\nmethod: m\nextends: simsiam\nfunctions:\n  g: |\n    g = 2",
        "losslang: 1\nmethod: m\nextends: simsiam\nfunctions:\n  g: |\n    def g(z) = mean(z)",
    ),
    "E150": Code(
        "default before a parameter without one",
        "Values are given in the order of the parameters, so a default in front of one that must be given is of no use.",
        "method m\nextends simsiam\ndef scaled(by=2, z) = by * z",
        "method m\nextends simsiam\ndef scaled(z, by=2) = by * z",
    ),
}
