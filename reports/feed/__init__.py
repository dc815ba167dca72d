"""The views of attn_v1 as files: all of them, or what has changed since a revision.

Instants say nothing of the order of commits: a mark may be stored days after it was made, and of
two transactions the one that began first may commit last. So a trigger notes each transaction that
touches a lesson (`TouchedLesson`), and a revision is a transaction:

    1  everything is read in one snapshot; `next` is the oldest transaction that was open then
    2  all before `next` have ended: what they committed is in the snapshot, and in these files
    3  the next export reads each lesson that `next` or a later one has touched

So no change is left out, however late it commits, and some come twice. A lesson comes whole, with
all of its marks and events; whoever reads the files puts them in place of what they had of it.
"""
