"""Marked parts of a text keep their places through sentences, languages and the cutting for a channel."""

from __future__ import annotations

from dialogue.fit import fit
from dialogue.messages import Capabilities, Lines, Marked, Rendered, Reply, Say
from dialogue.text import Wording

WORDING = Wording({"vi": {"card": "Báo cáo 😀:\n{lines}\nHết.", "quoted": "“{text}”", "line": "• {name}"}})
WIDE = Capabilities(buttons=True, pictures=False, text_limit=4000, marks=True)


def rendered(*marked: Marked) -> Rendered:
    lines = Lines((*(Say("quoted", {"text": each}) for each in marked), Say("line", {"name": "cây"})))
    return WORDING.render(Reply((Say("card", {"lines": lines}),)), "vi")


def underlined(shown: Rendered) -> list[str]:
    return [shown.text[start:end] for start, end in shown.marks]


def test_marks_count_characters_of_the_text_as_it_is_sent() -> None:
    shown = rendered(Marked("😀 trồng 5 cây, nắng", ((2, 13),)), Marked("hv 3", ((0, 4),)))
    assert shown.text == "Báo cáo 😀:\n“😀 trồng 5 cây, nắng”\n“hv 3”\n• cây\nHết."
    assert underlined(shown) == ["trồng 5 cây", "hv 3"]


def test_signs_of_ours_in_a_text_of_hers_mark_nothing() -> None:
    shown = rendered(Marked("a\ufdd0b\ufdd1c", ((0, 1),)))
    assert underlined(shown) == ["a"]
    assert "\ufdd0" not in shown.text


def test_a_text_without_marks_has_none() -> None:
    assert rendered(Marked("không có gì", ())).marks == ()


def test_a_mark_that_is_cut_goes_on_in_the_next_message() -> None:
    words = "trồng cây " * 30
    shown = rendered(Marked(words, ((0, len(words.rstrip())),)))
    parts = fit(shown, Capabilities(buttons=True, pictures=False, text_limit=100, marks=True))
    assert len(parts) > 2
    marked = "".join(piece for part in parts for piece in underlined(part))
    assert marked.replace(" ", "") == words.replace(" ", "")


def test_a_channel_that_cannot_underline_gets_the_text_alone() -> None:
    (part,) = fit(rendered(Marked("trồng 5 cây", ((0, 5),))), Capabilities(True, False, 4000))
    assert part.marks == ()
    assert "trồng 5 cây" in part.text


def test_marks_stay_where_choices_become_a_list() -> None:
    (part,) = fit(rendered(Marked("trồng 5 cây", ((0, 5),))), WIDE)
    assert underlined(part) == ["trồng"]
