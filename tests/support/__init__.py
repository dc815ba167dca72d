"""What several folders of tests, and the measurements in bench, stand on."""
