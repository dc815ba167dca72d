"""An explicit-state checker of the persistence protocol: the real code, every interleaving.

    stores      what Redis and PostgreSQL hold: read, put back, in canonical form
    actors      threads that run the real code and stop at named places
    memory      what the world was told: who was acknowledged what
    world       the actions: check-ins, corrections, steps of a task, crashes, backups
    invariants  what must be true in every state, and at rest
    explorer    breadth first over every order of actions, each state once
    scenarios   bounds: which actions, how often
    mutants     the real code with one guard taken out

`./attn test tests/model -s` prints how many states were seen.
"""
