"""The demo: the main job on real input, and its proof."""
