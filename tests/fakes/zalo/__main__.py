"""Run the fake as a program of its own: `python -m tests.fakes.zalo --port 0 --set wrapped=true`.

The first line it prints is its port. It ends with SIGTERM, and `--with-parent` when its input is closed.
"""

from __future__ import annotations

from tests.fakes.running import command_line, main
from tests.fakes.zalo.server import Door
from tests.fakes.zalo.settings import Settings
from tests.fakes.zalo.world import World

if __name__ == "__main__":
    settings = Settings()
    main(command_line("python -m tests.fakes.zalo").parse_args(), settings, lambda: Door(World(settings)))
