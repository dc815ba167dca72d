"""Reading: for pages, API, health and services. Nothing here writes."""
