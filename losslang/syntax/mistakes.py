def explain(tokens, at, start, report):
    token = tokens[at] if at < len(tokens) else tokens[-1]
    report.add("E129", "unexpected", token.span)
