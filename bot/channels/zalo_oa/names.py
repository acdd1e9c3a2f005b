"""How the channel is called."""

from __future__ import annotations

NAME = "zalo_oa"
