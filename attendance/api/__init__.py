"""The REST API: views translate, services and selectors decide."""
