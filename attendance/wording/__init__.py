"""What people read: states, outcomes and reasons in words, each with the next step."""
