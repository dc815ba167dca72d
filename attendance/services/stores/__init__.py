"""Redis and PostgreSQL beside each other: what one of them lost, and what shows it.

sites, returns    whether both are of one site and one age
words             the newest word of a person that Redis has taken of each lesson
writing           changing a lesson where it lives, so that what is acknowledged can be missed
lacks             what Redis lacks of a lesson that was seen before
lost_lessons      what the ledger says of lessons that are lost, and of older copies
reconciling       where the two disagree about a lesson
stored_revisions  revisions above every copy that could still come back
durable_commits   a commit that PostgreSQL acknowledges is on its disk
"""
