"""From graph to numbers, in float64 numpy: what every other form of a method is compared with."""
