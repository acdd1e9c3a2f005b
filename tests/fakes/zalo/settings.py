"""What a test may set, at the start or in between."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes import settings
from tests.fakes.limits import Pace

TOKEN = "700000002:FakeTokenOfTheTestsNeverUsedAnywhere0"


@dataclass(slots=True)
class Settings(settings.Settings):
    """How the fake behaves where nobody outside knows, or where descriptions differ; more in `tests.fakes.settings`.

    `wrapped`: deliveries lie in `{"ok": true, "result": …}`. `photo_key`: where the address of a picture stands.
    `with_error_code`: successes carry `error_code: 0`.
    `lossy`: what people write while nobody polls never arrives. `poll_in_webhook`: what `getUpdates` gets beside one.
    `local_webhooks`: addresses of this machine are taken. `webhook_tries`: how often a delivery is tried.
    `month`, `most_people`: the caps of a free bot, both directions counted; None: none.
    `polls`: at most so many polls in so many seconds, then the proxy's page. So does `whole_bot` for everything sent.
    `refused_hosts`: whose pictures are not let in. `fetches_photos`: pictures are downloaded while the call waits.
    `groups`: the bot may be spoken to in groups. `echoes`: the bot sees its own messages.
    """

    tokens: tuple[str, ...] = (TOKEN,)
    wrapped: bool = False
    photo_key: str = "photo_url"
    with_error_code: bool = False
    lossy: bool = False
    poll_in_webhook: int = 400
    local_webhooks: bool = False
    webhook_tries: int = 8
    month: int | None = None
    most_people: int | None = None
    polls: Pace | None = None
    refused_hosts: tuple[str, ...] = ()
    fetches_photos: bool = True
    groups: bool = False
    echoes: bool = False
