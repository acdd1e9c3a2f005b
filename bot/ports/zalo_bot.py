"""What the channel on the Zalo Bot Platform needs of the program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.picture_links import PictureLinks
from bot.ports.platform import PlatformPorts


@dataclass
class ZaloBotPorts(PlatformPorts):
    """The channel's view of the program. What people write while we are away may never come: nothing is promised."""

    kept_for: timedelta = timedelta()
    told_after: timedelta = timedelta(minutes=30)
    links: PictureLinks | None = None

    @property
    def shows_pictures(self) -> bool:
        """Tell whether our pictures can be fetched from outside."""
        return self.links is not None

    def picture_url(self, name: str) -> str:
        """Return an address under which the platform can fetch a picture for some days."""
        assert self.links is not None
        return self.links.url_of(name)
