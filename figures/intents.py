"""What a message wants: the phrases that tell a deletion, correction, question, nil report, registration or opinion."""

from __future__ import annotations

import re

NOT = r"(?:khong|ko|k|kg|hong|hok|hem|chua|chang|kh)"
_REPORT = r"(?:bao cao|bc|tin nhan|tin|so lieu|bai|phieu)"
_SOFTLY = r"(?: (?:lai|di|giup em|giup|dum|ho|cai|het|cho em|em|toan bo|ca|nhung))*"
DELETE = re.compile(
    rf"\b(?:xoa bo|xoa|huy|go bo|thu hoi|rut lai|rut|bo qua){_SOFTLY} {_REPORT}\b"
    rf"|\b{_REPORT}\b.{{0,30}}\b(?:xoa|huy) (?:di|giup|dum|ho|bo|no)\b"
)
CORRECT = re.compile(
    r"\b(?:so dung|dinh chinh|sua lai|sua so|sua (?:thanh|giup)|(?:bao|ghi|go|gui|danh|nhap|bam|viet) nham|nham so"
    rf"|nham roi|moi dung|cap nhat lai|xin sua|chinh lai|bao lai so|gui lai so|chu {NOT} phai|{NOT} phai (?:la )?\d+ ma"
    r"|dung ra la|bao sai|ghi sai|nham thanh|thuc ra la|dung la)\b|\bsua\b.{0,40}\bthanh \d"
    r"|^\W*sua(?: ?:| (?:hv|hoi vien|ngay|tien)\b.{0,40}\b(?:la|con|thanh) \d)"
)
QUERY = re.compile(
    r"\b(?:bao nhieu|duoc may|cho (?:em|chi|toi|minh|hoi)(?: xin)? hoi|em hoi|hoi (?:chut|xiu|ti)|dc may|may hv|may ho"
    r"|xem (?:so lieu|ket qua|bao cao)|la gi|the nao|khi nao|o dau|may gio|chua a|chua chi|lam sao de|cho xem)\b|\?"
)
NOT_A_COUNT = re.compile(r"\b(?:may gio|khi nao|o dau|lam sao|the nao|la gi|ai)\b")
"""A question for something else than figures, whatever activity it names."""

NIL = re.compile(
    rf"\b{NOT} (?:(?:co |thay )?(?:phat sinh|hoat dong(?: gi| nao| moi)?|so lieu|bien dong|thay doi|viec gi|tin gi)"
    r"|co (?:gi(?! dau)|j|chi (?:moi|het|dau)|viec|ai vao|ai moi|cai gi)|gi moi|j moi)\b"
)
NONE_OF_IT = re.compile(rf"\b{NOT} (?:co|ket nap|trong|thu|to chuc|phat trien|giup|sinh hoat)\b|: ?{NOT}\b")
_PEOPLE = r"(?:ba con|nguoi dan|chi em|dan lang|hoi vien|nhan dan|dan)"
OPINION = re.compile(
    r"\b(?:du luan|tin don|nghe don|don thoi|don rang|don la|xon xao|buc xuc|hoang mang|tam tu nguyen vong|nghe noi la"
    rf"|than phien|ban tan|{_PEOPLE}(?: \w+){{0,3}} (?:lo lang|lo ngai|lo gia|lo viec|phan anh|phan nan|keu ca"
    r"|khong dong tinh|khong hai long|rat lo|dang lo|lo so|lo))\b"
)
OPINION_COUNTED = re.compile(r"\b\d+ (?:tin|bao cao|bai)\b")
BORN = r"\b(?:sn|sinh nam|sinh ngay|ns|nam sinh|ngay sinh|sinh)\b[ .:]*((?:\d{1,2}[/.-]\d{1,2}[/.-])?(?:19|20)\d\d)\b"
REGISTER = re.compile(
    rf"\b(?:hoi vien|hv|vao hoi|ket nap|dang ky|dang ki|them)\b.{{0,80}}?{BORN}"
    r"|\b(?:muon|xin|xin duoc|cho (?:em|toi|chi|minh)|dang ky|dang ki|dk) (?:duoc )?(?:vao|tham gia|gia nhap|lam|la)"
    r" (?:hoi vien|hoi phu nu|hoi lhpn|hoi)\b(?! thi| nghi| thao| hop)"
    r"|\b(?:dang ky|dang ki|dk) (?:cho )?(?:hoi vien|hv)\b"
)
TALK = re.compile(
    r"^\W*(?:thong bao|kinh gui|kinh moi|moi cac chi|nho cac chi|nhac cac chi|de nghi cac chi|xin chao|chao|alo|cam on"
    r"|chuc)\b"
)


def intent_of(folded: str) -> str | None:
    """Return the intent the words tell by themselves, before any figure is looked at; None if they tell none."""
    if DELETE.search(folded):
        return "delete"
    if REGISTER.search(folded):
        return "register_member"
    if OPINION.search(folded) and not OPINION_COUNTED.search(folded):
        return "opinion"
    if CORRECT.search(folded):
        return "correct"
    return "query" if QUERY.search(folded) else None
