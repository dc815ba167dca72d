import pytest
from tests.model import store_scenarios
from tests.model.explorer import Explorer
pytestmark=[pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
def test_older():
    e=Explorer(store_scenarios.OLDER_POSTGRESQL, most_states=4000).run()
    print(e, e.fault)
