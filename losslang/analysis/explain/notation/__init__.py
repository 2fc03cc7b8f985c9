"""Formulas, and how they are written: in Unicode, LaTeX and MathML."""
