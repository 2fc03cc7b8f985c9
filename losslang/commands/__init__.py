"""The commands of the command line, each with its options: `NAME.py` is `losslang NAME`; and what they share."""
