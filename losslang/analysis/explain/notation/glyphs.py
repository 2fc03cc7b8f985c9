"""How each sign of the mathematics looks, in Unicode and in LaTeX: one row a sign."""

from __future__ import annotations

__all__ = ["BIG", "FENCES", "FUNCTIONS", "GREEK", "LETTERS", "PARAMETERS", "PREFIXES", "RELATIONS", "SIGNS", "SIZES"]

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Phi": "Φ",
}
"""Names that are written as Greek letters."""

SIGNS = {
    "loss": ("L", r"\mathcal{L}"),
    "identity": ("I", "I"),
    "hadamard": ("⊙", r"\odot"),
    "top": ("⊤", r"\top"),
    "any": ("·", r"\cdot"),
    "dots": ("…", r"\dots"),
}
"""Symbols that are no names."""

PARAMETERS = {
    "lambda": "lambda",
    "temperature": "tau",
    "student_temperature": "tau_s",
    "teacher_temperature": "tau_t",
    "base_temperature": "tau_0",
    "consistency_temperature": "tau_c",
    "eps": "epsilon",
    "invariance": "lambda",
    "variance": "mu",
    "covariance": "nu",
    "redundancy": "lambda",
    "strength": "lambda",
    "margin": "m",
    "ddof": "f",
}
"""Parameters with a letter of their own in the papers; `tau_s` is τ with the index s."""

# ---------------------------------------------------------------- signs: Unicode, LaTeX

BIG = {
    "mean": ("𝔼", r"\mathop{\mathbb{E}}"),
    "sum": ("Σ", r"\sum"),
    "max": ("max", r"\max"),
    "argmax": ("argmax", r"\operatorname*{argmax}"),
}

PREFIXES = {
    "log": ("log", r"\log"),
    "log det": ("log det", r"\log\det"),
    "exp": ("exp", r"\exp"),
    "sin": ("sin", r"\sin"),
    "cos": ("cos", r"\cos"),
    "tanh": ("tanh", r"\tanh"),
    "Var": ("Var", r"\operatorname{Var}"),
}
"""Functions that need no brackets before a single value."""

FUNCTIONS = {
    "max": ("max", r"\max"),
    "min": ("min", r"\min"),
    "tr": ("tr", r"\operatorname{tr}"),
    "diag": ("diag", r"\operatorname{diag}"),
    "sg": ("sg", r"\operatorname{sg}"),
    "log": ("log", r"\log"),
    "Cov": ("Cov", r"\operatorname{Cov}"),
    "softmax": ("softmax", r"\operatorname{softmax}"),
    "quantile": ("Φ⁻¹", r"\Phi^{-1}"),
}
"""Functions with brackets; any other name is a word."""

FENCES = {
    "round": (("(", ")"), ("(", ")")),
    "bracket": (("[", "]"), ("[", "]")),
    "norm": (("‖", "‖"), (r"\lVert ", r" \rVert")),
    "frobenius": (("‖", "‖_F"), (r"\lVert ", r" \rVert_F")),
    "nuclear": (("‖", "‖_*"), (r"\lVert ", r" \rVert_*")),
    "abs": (("|", "|"), (r"\lvert ", r" \rvert")),
    "dot": (("⟨", "⟩"), (r"\langle ", r" \rangle")),
    "hinge": (("[", "]₊"), ("[", "]_+")),
}

RELATIONS = {
    "=": ("=", "="),
    "!=": ("≠", r"\ne"),
    "<": ("<", "<"),
    "<=": ("≤", r"\le"),
    ">": (">", ">"),
    ">=": ("≥", r"\ge"),
    "==": ("=", "="),
    "or": ("or", r"\text{ or }"),
    "not": ("¬", r"\neg"),
    "union": ("∪", r"\cup"),
    "in": ("∈", r"\in"),
    "update": ("←", r"\leftarrow"),
}

# ---------------------------------------------------------------- indices and sizes, by axis

LETTERS = {
    "batch": "ijhn",
    "feature": "klhp",
    "view": "vwuo",
    "prototype": "mhrl",
    "queue": "rsom",
    "direction": "soeh",
    "knot": "theo",
    "rank": "rse",
    "group": "gho",
}
"""Letters of an axis and its primed copies, the first that are free."""

SIZES = {
    "batch": "n",
    "feature": "d",
    "view": "V",
    "prototype": "K",
    "queue": "Q",
    "direction": "S",
    "knot": "T",
    "rank": "R",
    "group": "G",
}
"""The number of entries along an axis."""
