"""How the channel is called. There are no addresses that open a talk: the platform has no start parameter."""

from __future__ import annotations

NAME = "zalo_bot"
