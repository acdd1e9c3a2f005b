"""The `lantoa` command. Each command is a few lines here; what it does lives in the module it calls."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from bot.commands import Command, Commands, Option, Session, asked, config_option, session
from bot.config import Wrong
from bot.speaking import FOUND_WRONG
from dialogue.messages import Say

OWNER_ONLY = 0o077
"""Nobody else on the machine may read what we write."""


def _now() -> datetime:
    return datetime.now(UTC)


def _run(config: Path) -> None:
    with session(config) as at:
        from bot.app import run
        from bot.logs import start_logging

        start_logging(sys.stderr)

        async def serve() -> None:
            await run(at.config, at.content, await at.open(_now()), show=at.show_address)

        asyncio.run(serve())


def _play(config: Path, persona: str, record: Path | None) -> None:
    with session(config) as at:
        from bot.logs import start_logging
        from bot.play import play

        start_logging(sys.stderr)

        async def talk() -> None:
            await play(at.config, at.content, await at.open(_now()), persona=persona, record=record)

        asyncio.run(talk())


def _setup(config: Path, controller: str | None, top_unit: str | None, role: str | None) -> None:
    with session(config) as at:
        from bot import setup

        setup.refuse_if_there(at.config)
        answers = [
            asked(at, given, question)
            for given, question in (
                (controller, "setup.ask_controller"),
                (top_unit, "setup.ask_unit"),
                (role, "setup.ask_role"),
            )
        ]
        wanted = setup.Wanted(answers[1], answers[2])
        made = setup.set_up(at.config, at.content, controller=answers[0], wanted=wanted, now=_now())
        at.speaker.say("setup.done", database=str(at.config.database.place), key=str(at.config.data.key_file))
        _show_invitation(at, made.unit_name, made.role, link=made.link, code=made.code, picture=made.picture())


def _invite(config: Path, unit: str, role: str) -> None:
    with session(config) as at:
        from bot import setup

        made = setup.invite(at.config, at.content, setup.Wanted(unit, role), now=_now())
        _show_invitation(at, made.unit_name, made.role, link=made.link, code=made.code, picture=made.picture())
        for way in setup.ways_elsewhere(at.config, made.code):
            at.speaker.tell(way)


def _show_invitation(at: Session, unit: str, role: str, *, link: str, code: str, picture: str) -> None:
    at.speaker.say("invite.made", unit=unit, role=Say(f"role.{role}"), link=link, code=code)
    at.speaker.write(picture)


def _check(config: Path) -> None:
    with session(config) as at:
        from bot import check

        for line in check.effective(at.config):
            at.speaker.write(line)
        summary = check.examine_content(at.config.content, at.content)
        place, mistakes = check.examine_place(at.config)
        at.speaker.tell(summary)
        at.speaker.tell(place)
        if mistakes:
            raise Wrong(*mistakes)
        well, ill = asyncio.run(check.examine_channels(at.config))
        for said in well:
            at.speaker.tell(said)
        at.speaker.complain(ill)
        if ill:
            sys.exit(FOUND_WRONG)
        at.speaker.say("check.good")


def _understand(
    config: Path, text: str | None, *, file: Path | None, at: str | None, unit: str | None, role: str | None
) -> None:
    with session(config) as here:
        from bot import understand
        from bot.reading import Reading
        from bot.unit_content import load_units

        if text is not None and file is None:
            moment = _now() if at is None else understand.moment(at)
            given = [understand.Sample(moment, unit or "", role or next(iter(here.content.roles)), text)]
        elif text is None and file is not None:
            given = list(understand.samples(file))
        else:
            raise Wrong(Say("understand.one_of"))
        tree = load_units(Reading(here.config.content))
        for sample in given:
            here.speaker.write(understand.as_line(understand.understood(sample, here.content, tree)))


def _migrate(config: Path) -> None:
    with session(config) as at:
        from storage import opening

        files = at.files
        with opening.take_lock(files.database):
            opening.check_and_migrate(files)
        at.speaker.say("migrate.done", file=str(files.database))


def _backup(config: Path) -> None:
    with session(config) as at:
        from bot.backup import make_backup

        path, made = make_backup(at.config, now=_now())
        at.speaker.say("backup.done", file=str(path), files=made.files, size=made.size_bytes)


def _restore(config: Path, backup: Path) -> None:
    with session(config) as at:
        from bot.backup import restore

        made = restore(at.config, backup)
        at.speaker.say("restore.done", at=made.made_at, files=made.files)


def _verify(config: Path, backup: Path | None) -> None:
    with session(config) as at:
        from bot.backup import check_backup, verify

        if backup is not None:
            made = check_backup(at.config, backup)
            at.speaker.say("verify.backup_good", at=made.made_at, files=made.files)
            return
        wrong = verify(at.config)
        at.speaker.complain(wrong)
        if wrong:
            sys.exit(FOUND_WRONG)
        at.speaker.say("verify.good")


def _release(config: Path) -> None:
    with session(config) as at:
        from storage import installation, opening

        with opening.beside(at.config.database.place) as db:
            changed = installation.set_hold(db, False)
        at.speaker.say("release.done" if changed else "release.nothing")


def _dead_list(config: Path) -> None:
    with session(config) as at:
        from storage import inbox, opening

        with opening.beside(at.config.database.place, writing=False) as db:
            letters = inbox.dead(db)
        for letter in letters:
            at.speaker.say(
                "dead.line",
                id=letter.id,
                channel=letter.channel,
                at=letter.received_at,
                tries=letter.attempt,
                reason=letter.reason or "–",
            )
        at.speaker.say("dead.count" if letters else "dead.none", count=len(letters))


def _dead_replay(config: Path, ids: tuple[int, ...], everything: bool) -> None:
    with session(config) as at:
        from bot import dead
        from storage import inbox, opening

        if bool(ids) == everything:
            raise Wrong(Say("dead.which"))
        with opening.beside(at.config.database.place) as db:
            wanted = [letter.id for letter in inbox.dead(db)] if everything else ids
            count = dead.replay(db, wanted)
        at.speaker.say("dead.replayed", count=count)


def _export_broadcast(config: Path, code: str, file: Path) -> None:
    with session(config) as at:
        from bot import exports
        from storage import opening
        from storage.sealing import load_key_file

        keys = load_key_file(at.config.data.key_file)
        with opening.beside(at.config.database.place) as db:
            account = exports.by_code(db, code.strip().upper())
            if account is None:
                raise Wrong(Say("export.no_broadcast", {"code": code}))
            exports.note(db, account, actor_id=None, channel=None, key=keys.digest, at=_now())
        with opening.beside(at.config.database.place, writing=False) as db:
            rows = exports.export(db, at.content, at.config.languages[0], account, file)
        at.speaker.say("export.done", file=str(file), rows=rows)


def _begin() -> None:
    os.umask(OWNER_ONLY)


_FILE = click.Path(path_type=Path, dir_okay=False)
_EXISTING = click.Path(path_type=Path, dir_okay=False, exists=True)


def _dead_letters() -> Commands:
    return Commands(
        "dead",
        "cli.dead",
        [
            Command("list", _dead_list, "cli.dead_list", [config_option()]),
            Command(
                "replay",
                _dead_replay,
                "cli.dead_replay",
                [
                    config_option(),
                    click.Argument(["ids"], type=int, nargs=-1),
                    Option(["--all", "everything"], "cli.dead_replay.all", is_flag=True),
                ],
            ),
        ],
        begin=None,
    )


def _exports() -> Commands:
    code, file = click.Argument(["code"]), click.Argument(["file"], type=_FILE)
    broadcast = Command("broadcast", _export_broadcast, "cli.export_broadcast", [config_option(), code, file])
    return Commands("export", "cli.export", [broadcast], begin=None)


main = Commands(
    "lantoa",
    "cli.help",
    [
        Command("run", _run, "cli.run", [config_option()]),
        Command(
            "setup",
            _setup,
            "cli.setup",
            [
                config_option(),
                Option(["--controller"], "cli.setup.controller"),
                Option(["--top-unit"], "cli.setup.top_unit"),
                Option(["--role"], "cli.setup.role"),
            ],
        ),
        Command(
            "play",
            _play,
            "cli.play",
            [
                config_option(),
                Option(["--as", "persona"], "cli.play.persona", default="moi", show_default=True),
                Option(["--record"], "cli.play.record", type=_FILE),
            ],
        ),
        Command("check", _check, "cli.check", [config_option()]),
        Command(
            "understand",
            _understand,
            "cli.understand",
            [
                config_option(),
                click.Argument(["text"], required=False),
                Option(["--file"], "cli.understand.file", type=_EXISTING),
                Option(["--at"], "cli.understand.at"),
                Option(["--unit"], "cli.understand.unit"),
                Option(["--role"], "cli.understand.role"),
            ],
        ),
        Command(
            "invite",
            _invite,
            "cli.invite",
            [
                config_option(),
                Option(["--unit"], "cli.invite.unit", required=True),
                Option(["--role"], "cli.invite.role", required=True),
            ],
        ),
        Command("migrate", _migrate, "cli.migrate", [config_option()]),
        Command("backup", _backup, "cli.backup", [config_option()]),
        Command("restore", _restore, "cli.restore", [config_option(), click.Argument(["backup"], type=_EXISTING)]),
        Command(
            "verify",
            _verify,
            "cli.verify",
            [config_option(), click.Argument(["backup"], type=_EXISTING, required=False)],
        ),
        Command("release", _release, "cli.release", [config_option()]),
        _dead_letters(),
        _exports(),
    ],
    begin=_begin,
)

if __name__ == "__main__":
    main(prog_name="lantoa")
