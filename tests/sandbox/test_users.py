"""No two workers of a host run as the same user."""

import os

import pytest

from clearinghouse.sandbox.users import Users

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root has users to give")


def test_each_slot_has_a_user_of_its_own_that_no_other_worker_has() -> None:
    first, second = Users(1_900_000), Users(1_900_000)
    try:
        assert [first.of(0), first.of(1), second.of(0), first.of(0)] == [1_900_000, 1_900_001, 1_900_002, 1_900_000]
        first.close()
        assert second.of(1) == 1_900_000
    finally:
        first.close()
        second.close()
