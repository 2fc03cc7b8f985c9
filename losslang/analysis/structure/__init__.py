"""What a method is made of, read off its graph: summands and factors, branches, values, mechanisms."""
