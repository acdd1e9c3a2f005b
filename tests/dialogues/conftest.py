"""What the actor asserts is told as in a test."""

import pytest

pytest.register_assert_rewrite("tests.dialogues.actor", "tests.dialogues.theatre", "tests.dialogues.telegram")
