"""A fake Zalo Bot Platform: the Bot API over HTTP with its oddities, faults on order, and a ledger of its own.

    async with fake_zalo(local_webhooks=True) as fake:             # or fake_zalo_program(...): a process of its own
        mai = fake.person(1001, "Mai")
        await mai.send_text("xin chào")                            # the bot finds this in getUpdates or at its webhook
        said = await mai.next_message()                            # waits for what the bot says to her
        await fake.fault("reset", accepted=True, times=1)          # the next message arrives, its answer is lost
        assert await fake.copies() == []                           # (chat, text, count) of what came twice

Business errors come with HTTP 200, errors of the platform's proxy as pages that echo the path. Where descriptions
differ, `settings.Settings` has a switch. What people can do: `persons.Person`. From a shell:
`python -m tests.fakes.zalo --help`.
"""

from tests.fakes.records import Done, Update
from tests.fakes.zalo.client import FakeZalo
from tests.fakes.zalo.ids import id_of, number_of
from tests.fakes.zalo.persons import Person
from tests.fakes.zalo.records import Message
from tests.fakes.zalo.running import fake_zalo, fake_zalo_program
from tests.fakes.zalo.settings import TOKEN

__all__ = [
    "TOKEN",
    "Done",
    "FakeZalo",
    "Message",
    "Person",
    "Update",
    "fake_zalo",
    "fake_zalo_program",
    "id_of",
    "number_of",
]
