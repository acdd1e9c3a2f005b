"""Recognise a call for help: violence against a person, or danger in a disaster. It runs on every message.

Talking about prevention ("tuyên truyền phòng chống bạo lực gia đình") is not a call for help; where a message also
speaks of one person's danger, help comes first.
"""

from __future__ import annotations

import re

from vietnamese.fold import fold_letter

VIOLENCE = "bao_luc_gia_dinh"
DISASTER = "thien_tai"
MAX_CHARS = 5_000

_WHO = (
    r"(?:ong chong|ong xa|chong|vo|ba xa|anh ay|no|cha duong|bo duong|duong|cha|bo|ba|me|con trai|nguoi yeu|ban trai"
    r"|hang xom|nguoi ta|ong ay|han|ong ta|lao)"
)
_WHILE = (
    r"(?: (?:em|chi ay|chi ta|chi|toi|ay|minh|con|no|chau|co ay|hay|cu|lai|say ruou|say|uong ruou|ruou|vua|dang|moi|da"
    r"|thuong xuyen|thuong|toan|muon|doi|hang xom|nhau|ve|xin|hom qua|hom nay|toi qua|bao|la))"
)
# "đánh giá", "danh sách", "đánh cầu lông" and their like are no blows.
_NO_BLOW = (
    r"(?! gia| dau| bat| ca\b| co\b| bai\b| cau| trong| may| chac| thuc| doi| mat| bong| nhau voi| van ban| so\b| son"
    r"| sach| du| hieu| muc)"
)
_HURT = (
    rf"(?:danh{_NO_BLOW}|dap|tat|bop co|dam(?! cuoi| bao| nhan)|chem|giet|hanh ha|nguoc dai|cuong hiep|hiep dam|xam hai"
    r"|bao hanh|chui boi|duoi danh|doa giet|hanh hung|day nghien|nhot|chui mang|de doa|bat nat|quay roi|tra tan)"
)
_BY = (
    r"(?:chong cu|chong say|chong|vo|cha duong|bo duong|cha|bo|me|con trai|con|nguoi ta|ai do|no|ong chong|ong ay|ong"
    r"|anh|nguoi yeu|duong|hang xom|ke xau|nguoi la) "
)
_VIOLENCE = re.compile(
    rf"\b(?:{_WHO}{_WHILE}{{0,6}} {_HURT}\b|bi (?:{_BY}){{0,3}}{_HURT}\b"
    r"|bao hanh|danh dap|cau cuu|danh vo|danh con|giet vo|bi bao luc|bi ban sang|bi lua ban|bi mua ban"
    r"|cuu (?:em|toi|con|me con|chi)\b|tu tu|khong muon song|ko muon song|so chong|bi hanh ha)"
)
_TALK = re.compile(
    r"\b(?:tuyen truyen|truyen thong|tap huan|cau lac bo|clb|phong,? ?chong|pcbl|toa dam|hoi thi|sinh hoat|chuyen de"
    r"|noi chuyen|luat|mo hinh|to roi|hoi nghi|tieu pham|doi thoai|ky nang|dia chi tin cay|ngay hoi|mit tinh"
    r"|thang hanh dong)\b"
)
# These name one person and one deed; talk about prevention in the same message does not take them away.
_A_PERSON = re.compile(
    r"\b(?:cuu (?:em|chi|con|toi|me|voi)|em bi|toi bi|chi ay bi|chau bi|con bi|minh bi|co ay bi|me bi|chong em"
    r"|chong chi|chong toi|vu chong danh|ong chong|dang bi|vua bi|(?<!khi )bi chong|chong (?:no|say|cu)"
    r"|giup (?:em|chi|toi|con) voi|dang o nha em|lam sao|dang danh)\b"
)
_COUNTED = re.compile(r"\b\d+ (?:vu|nan nhan|truong hop|ca) ")
_WATER = (
    r"(?:nuoc|lu|lut) (?:(?:da|dang|len|ngap) ){0,2}(?:dang len|len nhanh|ngap nha|vao nha|toi noc|ngap toi|cuon"
    r"|len cao|len qua|dang dang|dang cao|vay|toi mai)"
)
_DISASTER = re.compile(
    rf"\b(?:{_WATER}|mac ket|ket tren mai|ket tren noc|tren mai nha|tren noc nha|sat lo|vui lap|bi cuon troi"
    r"|bi lu cuon|bi nuoc cuon|bi co lap|cuu ho|cuu nan|cuu voi|(?:xin|can) (?:duoc )?cuu(?! tro)"
    r"|can (?:thuyen|ca no|xuong)|chay nha|dang chay\b|bi chay)\b"
)
_HELP = re.compile(
    r"\b(?:cuu(?! tro)|keu cuu|giup (?:em|chi|toi|voi|gap|ba con|lang|thon)|can giup|goi ai|goi dau|lam sao|khan cap"
    r"|nguy hiem|nguy qua|gap lam|ngay voi|so qua|dang len|thuyen|ca no|mac ket|ket tren"
    r"|(?:khong|ko) (?:ra|thoat|di) duoc|het (?:luong thuc|do an|gao|nuoc)|chua co ai)\b"
)
_GATE = re.compile(
    r"danh|dap|tat\b|bop co|dam|chem|giet|hanh|nguoc|hiep|xam|bao luc|cuu|tu tu|muon song|so chong|chui|nhot|de doa"
    r"|mua ban|ban sang|lua ban|nuoc|\blu|sat lo|vui lap|mac ket|tren mai|tren noc|co lap|thuyen|ca no|chay"
    r"|day nghien|bat nat|quay roi|tra tan"
)


def is_emergency(text: str) -> str | None:
    """Return the topic of a call for help, `bao_luc_gia_dinh` or `thien_tai`; None for any other message.

    Looks at the first 5,000 characters.
    """
    folded = "".join(map(fold_letter, text[:MAX_CHARS]))
    if not _GATE.search(folded):
        return None
    return _topic(" ".join(folded.split()))


def _topic(folded: str) -> str | None:
    if _DISASTER.search(folded) and _HELP.search(folded):
        return DISASTER
    return VIOLENCE if _is_violence(folded) else None


def _is_violence(folded: str) -> bool:
    if not _VIOLENCE.search(folded):
        return False
    return bool(_A_PERSON.search(folded)) or not (_TALK.search(folded) or _COUNTED.search(folded))
