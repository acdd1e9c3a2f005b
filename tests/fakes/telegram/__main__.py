"""Run the fake as a program of its own: `python -m tests.fakes.telegram --port 0 --set per_private=null`.

The first line it prints is its port. It ends with SIGTERM, and `--with-parent` when its input is closed.
"""

from __future__ import annotations

from tests.fakes.running import command_line, main
from tests.fakes.telegram.server import Door
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.world import World

if __name__ == "__main__":
    parser = command_line("python -m tests.fakes.telegram")
    parser.add_argument("--answer-only", action="store_true", help="answer sendMessage from memory and only count")
    chosen = parser.parse_args()
    settings = Settings(answer_only=chosen.answer_only)
    main(chosen, settings, lambda: Door(World(settings)))
