"""What courses tell whoever stands above them, and what they themselves know nothing of."""

from django.dispatch import Signal

absence_changed = Signal()
"""An absence was decided or withdrawn: `absence_id`.

It is sent inside the transaction of that change, while the user row of the absent person is
held FOR UPDATE. So what a listener changes is committed with it, or nothing is; and a listener
that raises takes the change back.
"""
