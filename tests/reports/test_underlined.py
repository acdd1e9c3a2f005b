"""The card shows which words of her message each figure came from."""

from __future__ import annotations

from dataclasses import replace

from dialogue.messages import Lines, Marked, Say
from tests.reports.stage import BUTTONS, Person, told

MARKING = replace(BUTTONS, marks=True)


def first_line(head: Person) -> Say:
    shown = told(head.replies[-1:], "report.card")["figures"]
    assert isinstance(shown, Lines)
    line = shown.items[0]
    assert isinstance(line, Say)
    return line


def underlined(head: Person) -> list[str]:
    marked = first_line(head).values["text"]
    assert isinstance(marked, Marked)
    return [marked.text[start:end] for start, end in marked.spans]


def test_the_words_read_are_marked_and_no_others(head: Person) -> None:
    head.capabilities = MARKING
    head.hears("Chị ơi 😀\nhôm qua trồng 150 cây, trời mưa, kết nạp 3 hv")
    assert underlined(head) == ["trồng 150 cây", "kết nạp 3 hv"]


def test_a_figure_changed_since_is_no_longer_marked(head: Person) -> None:
    head.capabilities = MARKING
    head.hears("trồng 150 cây, kết nạp 3 hv")
    head.hears("hv mới là 5")
    assert underlined(head) == ["trồng 150 cây"]


def test_a_number_made_clear_marks_her_own_words(head: Person) -> None:
    head.capabilities = MARKING
    head.hears("kết nạp vài chị hội viên, trồng 210 hay 220 cây, tặng 5 suất quà")
    while told_key(head) != "report.card":
        head.hears("3")
    assert "trồng 210 hay 220 cây" in underlined(head)
    assert underlined(head)[-1] == "tặng 5 suất quà"


def told_key(head: Person) -> str:
    part = head.replies[-1].text[-1]
    assert isinstance(part, Say)
    return part.key


def test_without_marks_the_words_stand_behind_each_figure(head: Person) -> None:
    head.hears("trồng 150 cây, kết nạp 3 hv")
    assert (first_line(head).key, first_line(head).values["said"]) == ("report.line_said", "trồng 150 cây")


def test_a_long_message_is_not_quoted_whole(head: Person) -> None:
    head.capabilities = MARKING
    head.hears("trồng 150 cây. " + "Chúc cả nhà khỏe. " * 30)
    assert first_line(head).key == "report.line_said"


def test_a_guided_report_quotes_nothing(head: Person) -> None:
    head.capabilities = MARKING
    head.hears("trồng 150 cây")
    head.hears("bỏ qua")
    head.hears("trồng 80 cây")
    assert first_line(head).key == "figure.line"
