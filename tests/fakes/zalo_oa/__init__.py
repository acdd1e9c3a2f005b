"""The half of a fake Zalo Official Account that writes to us: people who send things, events signed and delivered.

    async with fake_oa("http://127.0.0.1:8080/zalo-oa/webhook") as oa:
        await oa.ping()                                            # what the console does when the address is saved
        oa.person(1001).send_text("xin chào")
        await oa.wait_taken()

The half that takes our messages is not made yet.
"""

from tests.fakes.zalo_oa.account import FakeOa, Person, fake_oa
from tests.fakes.zalo_oa.settings import APP_ID, OA_ID, SECRET, Settings

__all__ = ["APP_ID", "OA_ID", "SECRET", "FakeOa", "Person", "Settings", "fake_oa"]
