"""What the verbs of the command line need beside the stages: options, files, the inventory."""
