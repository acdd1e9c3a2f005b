"""What a test may set, at the start or in between."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes import settings

APP_ID, OA_ID, SECRET = "4012345678901234567", "3009998887776665554", "oa-secret-for-tests"


@dataclass(slots=True)
class Settings(settings.Settings):
    """How the platform delivers; more in `tests.fakes.settings`.

    `first_term`: what the hash begins with, the app's id or the account's. `mark`: what stands before the digest.
    `wrong_signature`: events are signed with another secret. `again_s`: waits between attempts, after which the webhook
    is switched off until somebody turns it on.
    """

    webhook_timeout_s: float = 2.0
    first_term: str = APP_ID
    secret: str = SECRET
    mark: str = "mac="
    wrong_signature: bool = False
    again_s: tuple[float, ...] = (30.0, 300.0, 900.0, 1800.0, 3600.0)
