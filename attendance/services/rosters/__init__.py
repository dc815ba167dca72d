"""Who was expected at a lesson, and what is written down for whoever has no mark.

lesson_sections  what a lesson that starts takes from its section
live_rosters     the roster of a lesson that runs
expected         the roster of a lesson that is stored, held in the transaction that stores it
system_marks     absent or excused: the marks that the system makes
closing          a stored lesson is closed by a person, or completed by staff
not_held         a lesson that was not held
excusing         approved absences in stored lessons
recomputing      stored arrivals, decided anew by another rule
"""
