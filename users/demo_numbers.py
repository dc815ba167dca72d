"""The numbers of the demo's people: who can sign in, the others of its term, and the crowds.

They stay in the database when a demo is over, and are nobody's who uses the site.
"""

DEMO_PREFIX = "DEMO-"
"""With it begins the number of everybody in the demo's term."""
DEMO_STAFF_NUMBER = f"{DEMO_PREFIX}STAFF"
DEMO_TEACHER_NUMBER = f"{DEMO_PREFIX}TEACHER"
DEMO_STUDENT_NUMBER = f"{DEMO_PREFIX}STUDENT"
DEMO_NUMBERS = (DEMO_TEACHER_NUMBER, DEMO_STUDENT_NUMBER, DEMO_STAFF_NUMBER)
"""Those who can sign in."""
CROWD_PATTERN = "^D[0-9A-F]{8}-"
"""Of those who play the demo's four lessons."""
OF_A_DEMO = f"^{DEMO_PREFIX}|{CROWD_PATTERN}"
"""Of all of them."""
DEMO_SYSTEM = "demo"
"""The code of the source system that tells the demo's sections and enrolments from others."""
