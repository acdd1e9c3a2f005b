"""What the actor asserts is told as in a test."""

import pytest

pytest.register_assert_rewrite(
    *(f"tests.dialogues.{name}" for name in ("actor", "platform", "telegram", "theatre", "zalo_bot"))
)
