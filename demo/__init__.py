"""A simulated school: the main job on real input, and its proof. Not part of the product."""
