"""The real command: exit codes, words in Vietnamese, nothing half-started, no secret shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.config import Config
from storage import broadcasts, campaigns, opening, units
from storage.campaigns import NewCampaign
from storage.schema import audit
from tests.operations.conftest import NOW, Lantoa
from tests.operations.spreadsheet import rows_of


def test_help_is_in_words_for_every_command(program: Lantoa) -> None:
    said = program("--help")
    assert said.returncode == 0
    for name in ("run", "setup", "play", "check", "understand", "invite", "migrate", "backup", "restore", "verify"):
        assert f"  {name} " in said.stdout
    assert "Sao lưu" in said.stdout


def test_a_command_explains_its_options(lantoa: Lantoa) -> None:
    said = lantoa("invite", "--help")
    assert "--unit" in said.stdout
    assert "Đơn vị" in said.stdout


@pytest.mark.parametrize("command", ["run", "check", "migrate", "backup", "verify", "release", "play"])
def test_a_wrong_configuration_stops_every_command_with_all_its_mistakes(
    lantoa: Lantoa, tmp_path: Path, command: str
) -> None:
    said = lantoa(command, LANTOA_WEB__PORT="many", LANTOA_WEB__PROT="1", LANTOA_CHANNELS__PIGEON__TOKEN="coo-coo")
    assert said.returncode == 2
    assert "web.port" in said.stderr
    assert "web.prot" in said.stderr
    assert "channels.pigeon" in said.stderr
    assert "coo-coo" not in said.stderr
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "var").exists()


def test_a_missing_configuration_is_told(program: Lantoa) -> None:
    said = program("check", "--config", "elsewhere.yaml")
    assert said.returncode == 2
    assert "elsewhere.yaml" in said.stderr


@pytest.mark.parametrize("command", ["backup", "verify", "migrate"])
def test_a_lost_database_stops_every_command(lantoa: Lantoa, demo: Config, command: str) -> None:
    demo.database.path.unlink()
    said = lantoa(command)
    assert said.returncode == 2
    assert str(demo.database.path) in said.stderr
    assert not demo.database.path.exists()


def test_a_lost_database_is_not_begun_anew_by_a_run(program: Lantoa, demo: Config) -> None:
    demo.database.path.unlink()
    said = program("run")
    assert said.returncode == 2
    assert str(demo.database.path) in said.stderr
    assert not demo.database.path.exists()


def test_a_damaged_database_is_told_in_words(program: Lantoa, demo: Config) -> None:
    demo.database.path.write_bytes(b"not a database at all")
    said = program("run")
    assert said.returncode == 2
    assert "bị hỏng" in said.stderr
    assert "Traceback" not in said.stderr


def test_an_open_key_file_is_refused(lantoa: Lantoa, demo: Config) -> None:
    demo.data.key_file.chmod(0o644)
    said = lantoa("migrate")
    assert said.returncode == 2
    assert "chmod 600" in said.stderr


def test_a_demonstration_does_not_start_beside_a_public_address(program: Lantoa, demo: Config) -> None:
    said = program("run", LANTOA_WEB__PUBLIC_URL="https://lantoa.example.vn", LANTOA_WEB__HOST="0.0.0.0")
    assert said.returncode == 2
    assert "web.public_url" in said.stderr
    assert "web.host" in said.stderr


def test_check_shows_the_settings_and_what_there_is(lantoa: Lantoa, demo: Config) -> None:
    said = lantoa("check", LANTOA_WEB__PORT="9123")
    assert said.returncode == 0, said.stderr
    assert "web.port = 9123" in said.stdout
    assert f"data.folder = {demo.data.folder}" in said.stdout
    assert "dùng thử" in said.stdout


def test_check_makes_nothing(lantoa: Lantoa, tmp_path: Path) -> None:
    assert lantoa("check").returncode == 0
    assert not (tmp_path / "var").exists()


def test_check_finds_what_would_keep_it_from_starting(lantoa: Lantoa, demo: Config) -> None:
    demo.database.path.unlink()
    assert lantoa("check").returncode == 2


def test_setup_makes_database_and_key_once_and_shows_the_invitation(lantoa: Lantoa, tmp_path: Path) -> None:
    said = lantoa("setup", "--controller", "Hội LHPN tỉnh Gia Lai", "--top-unit", "GIA_LAI", "--role", "can_bo_tinh")
    assert said.returncode == 0, said.stderr
    assert "#ma=" in said.stdout
    assert "█" in said.stdout
    assert (tmp_path / "var" / "lantoa.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var" / "lantoa.db").stat().st_mode & 0o777 == 0o600
    again = lantoa("setup")
    assert again.returncode == 2
    assert "lantoa.db" in again.stderr


def test_backup_verify_and_restore_work_together(lantoa: Lantoa, demo: Config) -> None:
    assert lantoa("backup").returncode == 0
    (backup,) = demo.data.backups.iterdir()
    assert lantoa("verify", str(backup)).returncode == 0
    assert lantoa("restore", str(backup)).returncode == 2
    demo.database.path.unlink()
    assert lantoa("restore", str(backup)).returncode == 0
    assert lantoa("verify").returncode == 0
    assert "tạm dừng" in lantoa("check").stdout
    assert lantoa("release").returncode == 0
    assert "tạm dừng" not in lantoa("check").stdout


def test_verify_says_what_is_wrong_with_exit_code_one(lantoa: Lantoa, demo: Config) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(demo.database.path)) as db:
        db.execute("update figure set report_id = 424242 where id = 1")
        db.commit()
    said = lantoa("verify")
    assert said.returncode == 1
    assert "figure 1" in said.stderr


def test_dead_letters_are_listed_and_replayed(lantoa: Lantoa, demo: Config) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(demo.database.path)) as db:
        db.execute(
            "insert into inbox (channel, key, address_id, body, sent_at, received_at, state, process, attempt, reason,"
            " restricted) values ('web_chat', 'k', 1, ?, '2026-11-23', '2026-11-23', 'dead', 'p', 5, 'ValueError', 0)",
            (json.dumps({"text": "chuyện riêng"}),),
        )
        db.commit()
    listed = lantoa("dead", "list")
    assert "ValueError" in listed.stdout
    assert "riêng" not in listed.stdout
    assert lantoa("dead", "replay").returncode == 2
    assert lantoa("dead", "replay", "--all").returncode == 0
    assert "ValueError" not in lantoa("dead", "list").stdout


def test_the_results_of_a_broadcast_are_written_into_a_file_and_noted(
    lantoa: Lantoa, demo: Config, tmp_path: Path
) -> None:
    with opening.beside(demo.database.path) as db:
        village = units.search(db, "làng Bối", NOW.date())[0]
        new = NewCampaign(1, village.id, None, {"vi": "Mời họp"}, client_key="export")
        made, _ = campaigns.create(db, new, at=NOW)
        run = broadcasts.start(db, made.id, None, at=NOW)
        while not broadcasts.freeze_page(db, run.id, at=NOW):
            pass
    file = tmp_path / "kết quả.xlsx"
    said = lantoa("export", "broadcast", run.code.lower(), str(file))
    assert said.returncode == 0, said.stderr
    assert str(file) in said.stdout
    heading, *people = rows_of(file.read_bytes(), 2)
    assert heading[0] == "Họ tên"
    assert {row[2] for row in people} == {"đang chờ gửi"}
    with opening.beside(demo.database.path, writing=False) as db:
        [noted] = db.execute(select(audit.c.subject).where(audit.c.act == "broadcast.exported")).all()
    assert noted.subject == f"campaign:{run.code}"


def test_an_unknown_broadcast_is_told_and_writes_nothing(lantoa: Lantoa, demo: Config, tmp_path: Path) -> None:
    said = lantoa("export", "broadcast", "TN-2222", str(tmp_path / "x.xlsx"))
    assert said.returncode == 2
    assert "TN-2222" in said.stderr
    assert not (tmp_path / "x.xlsx").exists()


def test_understand_gives_one_json_object_for_one_message(lantoa: Lantoa) -> None:
    options = ("--at", "2026-11-23T19:30+07:00", "--unit", "Chi hội làng Bối", "--role", "chi_hoi_truong")
    said = lantoa("understand", "hôm qua trồng 150 cây xanh", *options)
    assert said.returncode == 0, said.stderr
    reading = json.loads(said.stdout)
    assert reading["intent"] == "report"
    assert reading["records"] == [{"indicator": "TREES_PLANTED", "value": 150, "unit": "cay", "date": "2026-11-22"}]
    assert reading["confirm"] is False


def test_understand_reads_a_table_line_by_line(lantoa: Lantoa, tmp_path: Path) -> None:
    rows = [
        ["expected_json", "id", "received_at", "sender_unit", "sender_role", "message"],
        [
            "{}",
            "A",
            "2026-11-23T08:00:00+07:00",
            "Chi hội làng Bối, xã Chư Păh",
            "chi_hoi_truong",
            'kết nạp "3" hội viên',
        ],
        ["{}", "B", "2026-11-23T08:00:00+07:00", "nowhere", "chi_hoi_truong", "chào chị"],
    ]
    (tmp_path / "s.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n", "utf-8")
    said = lantoa("understand", "--file", "s.tsv")
    assert [json.loads(line)["id"] for line in said.stdout.splitlines()] == ["A", "B"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["một tin", "--file", "config.yaml"],
        ["một tin", "--at", "yesterday"],
        ["một tin", "--role", "vua"],
        ["--file", "config.yaml"],
    ],
)
def test_understand_refuses_what_it_cannot_read(lantoa: Lantoa, arguments: list[str]) -> None:
    said = lantoa("understand", *arguments)
    assert said.returncode == 2
    assert said.stderr
    assert "Traceback" not in said.stderr
