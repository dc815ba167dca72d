"""The figures stand on the same real servers as the tests, emptied before."""

from tests.conftest import empty_live_store, live_server_is_for_tests

__all__ = ["empty_live_store", "live_server_is_for_tests"]
