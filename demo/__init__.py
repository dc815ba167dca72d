"""A school that plays itself: the main job on real input, and its proof. No part of the product."""
