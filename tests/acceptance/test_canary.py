"""A person tells the program everything personal there is; nothing of it may stand in its log."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.program import Phone, Program, free_port, line, write_config

ROOT = Path(__file__).resolve().parents[2]
NAME, PHONE, TEXT = "Hoàng Thị Chim Vàng", "0912345678", "chồng đánh em ở bờ suối"


async def test_nothing_a_person_writes_stands_in_the_log(tmp_path: Path) -> None:
    port = free_port()
    write_config(tmp_path, port, ROOT / "content")
    program = Program(tmp_path, port)
    await program.start()
    async with line() as session:
        phone = Phone(session, f"{program.url}/chat")
        await phone.open()
        await phone.wait_for(lambda message: bool(message["choices"]))
        for text in ("đăng ký", "Đồng ý", NAME, "1990", "làng Bối", PHONE, "1"):
            await phone.send(text=text)
            await phone.next_answer()
        codes = [word for message in phone.received for word in message["text"].split() if word.startswith("DK-")]
        await phone.send(text=TEXT)
        await phone.wait_for(lambda message: "1900" in message["text"])
        bad = await session.post(f"{program.url}/chat/messages", data=b"\xff\x00" + TEXT.encode())
        assert bad.status == 401
    await program.stop()
    assert codes, "she got a code"
    log = program.log.read_text(errors="replace")
    code = codes[0].strip(".,")
    for secret in (NAME, PHONE, TEXT, code, phone.cookie, *TEXT.split()[:2]):
        assert secret not in log
