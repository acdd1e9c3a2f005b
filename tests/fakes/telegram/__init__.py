"""A fake Telegram: the Bot API over HTTP with strict limits, faults on order, and a ledger of its own.

    async with fake_telegram(per_private=None) as fake:            # or fake_telegram_program(...): a process of its own
        bot = Bot(fake.token, base_url=fake.api_url, base_file_url=fake.file_url)
        mai = fake.person(1001, "Mai")
        await mai.start("invitation")                              # the bot finds this in getUpdates or at its webhook
        card = await mai.next_message()                            # waits for what the bot says to her
        await mai.press(card, "Đồng ý")                            # a button by its label or its number
        await fake.fault("reset", accepted=True, times=1)          # the next message arrives, its answer is lost
        assert await fake.copies() == []                           # (chat, text, count) of what came twice
        assert await fake.in_halts(grace_s=0.05) == []             # nobody spoke after "retry after"

Settings and their meaning: `settings.Settings`. Faults: `faults.Fault` and `faults.KINDS`. What people can do:
`persons.Person`, `persons.Group`. What can be ordered and asked: `client.FakeTelegram`. What the ledger says:
`records`. By default limits are Telegram's usual ones: 30 calls a second, one a second to a person, 20 a minute to
a group; every call that carries a `chat_id` counts. From a shell: `python -m tests.fakes.telegram --help`.
"""

from tests.fakes.client import OrderRefusedError
from tests.fakes.records import Called, Done, Halt, Totals, Update
from tests.fakes.telegram.client import FakeTelegram
from tests.fakes.telegram.persons import Group, Inbox, Person
from tests.fakes.telegram.records import Message
from tests.fakes.telegram.running import fake_telegram, fake_telegram_program
from tests.fakes.telegram.settings import NO_LIMITS, TOKEN

__all__ = [
    "NO_LIMITS",
    "TOKEN",
    "Called",
    "Done",
    "FakeTelegram",
    "Group",
    "Halt",
    "Inbox",
    "Message",
    "OrderRefusedError",
    "Person",
    "Totals",
    "Update",
    "fake_telegram",
    "fake_telegram_program",
]
