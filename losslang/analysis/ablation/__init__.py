"""What every part of a method holds up: the method without it, and the verdict on what is left."""
