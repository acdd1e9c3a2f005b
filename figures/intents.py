"""What a message wants: the phrases that tell a deletion, correction, question, nil report, registration or opinion.

Patterns run on folded text on one line; where bare letters are two words ("bo": bỏ, bò), the accents typed decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vietnamese.fold import Aligned

NOT = r"(?:khong|ko|k|kg|hong|hok|hem|chua|chang|kh|hk|hg)"
_PARTICLES = (
    r"(?: (?:chi|em|e|c|co|a|ah|ak|ha|hen|nhi|vay|ta|z|ne|the|nua|roi|r|luon|voi|gium|giup|nha|nhe|nghen|oi)){0,8}"
)
_END = r"(?=\s*(?:[,.;!?]|$))"

_REPORT = (
    r"(?:bao cao|bc|tin nhan|tin bao|tin(?! xau| gia| rac| doc| don| tuc)|so lieu|bai|(?<!bo )phieu"
    r"|(?:cai|so|dong|nhung gi|cai so) (?:ma )?(?:em|e|minh|vua|moi|hoi|luc|do|kia|bc|xa|chi hoi em)\b)"
)
_SOFTLY = r"(?: (?:lai|di|giup|gium|dum|ho|cai|het|cho|em|e|toan bo|ca|nhung|luon|minh|xa|chi|ban|so|dong|may)){0,8}"
_REMOVE = (
    r"(?P<verb>xoa bo|xoa|huy bo|huy|go bo|thu hoi|rut lai|rut|bo qua|bo|dung (?:tinh|lay|ghi|nhan)"
    r"|khoi (?:tinh|lay|ghi)"
    r"|khong (?:tinh|lay)|ko (?:tinh|lay))"
)
_BY_MISTAKE = r"(?:gui|bao|bam|nhan|go|danh|nop) (?:nham|lon|bay|trat|du)"
_PLEASE = r"(?:giup|gium|dum|ho|di|luon|no)\b"
_DELETE = (
    re.compile(rf"(?<!con )\b{_REMOVE}{_SOFTLY} {_REPORT}"),
    re.compile(rf"\b{_REPORT}\b.{{0,30}}\b(?P<verb>xoa|huy|bo) (?:di|giup|gium|dum|ho|bo|no|luon)\b"),
    re.compile(rf"\b{_BY_MISTAKE}\b.{{0,60}}\b(?P<verb>xoa|huy|bo|rut) {_PLEASE}"),
    re.compile(r"\b(?P<verb>xoa|huy|go)\b[^,.;]{0,30}\b(?:giup|gium|dum|ho) (?:em|e|minh|xa)\b"),
    re.compile(rf"\b(?P<verb>xoa|huy|bo) {_PLEASE} (?:em |e )?(?:1|mot|cai|ban|bot)\b"),
    re.compile(rf"\b(?P<verb>xoa|huy) {_PLEASE}.{{0,40}}\b(?:vua gui|{_BY_MISTAKE}|luc nay|hoi nay)\b"),
)
_REMOVE_TYPED = {
    "xoa": {"xóa", "xoá"}, "huy": {"hủy", "huỷ"}, "bo": {"bỏ"}, "rut": {"rút"}, "go": {"gỡ"}, "thu": {"thu"},
    "dung": {"đừng"}, "khoi": {"khỏi"},
}  # fmt: skip

_WROTE = r"(?:nhin|doc|xem|lay|bao cao|bao|bc|ghi|go|danh may|danh|nhap|bam|viet|nhan|gui|tinh|dem)"
_REPAIRED = (
    r"(?! nha| hang rao| rao| duong| cau| cong| mai| bep| gieng| truong| san| phong| co so| loa| den| ao| mo| chuong"
    r"| vuon| tuong| can| ngoi| con duong| tru so| kenh| muong| may| xe)"
)
_FIGURE = r"(?:so|sl|bc|bao cao|hv|hoi vien|ngay|hoi phi|tien|tu|:|cay|qua|ho|muc|dong|cho em|giup|gium|dum|ho em)"
CORRECT = re.compile(
    rf"\b(?P<wrong>{_WROTE} (?P<how>nham|lon|sai|nguoc))\b|\b(?:em|e|minh) (?:bi )?(?P<how2>nham"
    rf"|lon)(?= ?[,.:]| la\b)|\b(?:em|e|minh|xa) (?:co |lo |da )?(?:bao|ghi|dem|tinh|nhap|gui)"
    r" (?:thieu|sot|lo)\b"
    r"|\b(?P<slip>nham) (?:so|roi|r|thanh|chi tieu|mat|chut|ti)\b|^\W*(?:\w+ ){0,3}(?P<slip2>nham)(?: a\b| chi\b|,)"
    rf"|\b(?:so dung|dinh chinh|xin sua|sua so|sua (?:thanh|giup|gium|dum)|sua lai{_REPAIRED}|moi dung|dung ra(?: la)?"
    rf"|(?:dieu|hieu) chinh (?:lai |giup |gium |em |cho |cac )*{_FIGURE}|chinh lai (?:giup |gium |em |cho )*{_FIGURE}"
    rf"|cap nhat lai|(?:bao|bc|bao cao|gui) lai (?:\w+ ){{0,3}}(?:cho dung|so\b|dung)|chu {NOT} phai"
    rf"|{NOT} phai (?:la )?(?:\w+ ){{0,2}}\d(?! ?minh| ?lan)|thuc ra la|that ra la)"
    r"|\b(?:cho|xin) (?:em |e |minh |toi |xa )?(?:xin )?sua(?: lai)?\b(?=,| so| ngay| bc| bao| \w+ \d)"
    r"|\b(?:chinh|doi|sua) (?:lai )?(?:giup|gium|dum|ho)\b|\bso lieu (?:dung|chinh xac)\b"
    r"|\b(?:ghi|danh|bam|go|nhap) (?:du|thua) (?:mot|1|con|so)\b"
    r"|\b(?:em|e|minh|xa) (?:co |da )?(?:bao|ghi|gui|bam)\b[^.;]{0,40}\d.{0,40}\b(?:dem|ra|ra soat"
    r"|kiem tra|kiem|coi|tinh|xem) lai\b"
    r"|\b(?:em|e|minh|xa) (?:co |da )?(?:bao|ghi|gui|bam)\b[^.;]{0,40}\d.{0,12}\b(?:thuc|that) (?:ra|te)\b"
    r"|\b(?:em|e) lo (?:ghi|bao|gui|bam|nhap|danh)\b|\d\w* (?:\w+ ){0,3}la (?:bi )?(?:sai|nham|lon)\b"
    r"|\b(?:em|e|xa) sua ?:"
    r"|\b(?:giam|tang)\b[^,.;]{0,20}\b(?:giup|gium|dum|ho) (?:em|e|minh|xa)\b"
    r"|\((?:\w+ ){1,3}(?:em |e |minh )?(?:bao|ghi|bam|gui|nhap|go) (?:la |co )?\d"
    r"|\bdung la(?: [a-z]+){0,4} \d|\bsua\b.{0,40}\bthanh \d"
    r"|^\W*sua(?: ?:| (?:hv|hoi vien|ngay|tien|so)\b.{0,40}\b(?:la|con|thanh) \d)"
)
_SLIP_TYPED = {"nham": {"nhầm", "nhằm"}, "lon": {"lộn"}, "sai": {"sai"}}

_TO_ASK = r"hoi(?! phi| vien| lhpn| phu| thi| nghi| thao| cho| truong| xa| hop)"
# Asked for figures, whatever else stands beside it.
ASKED = re.compile(
    r"\b(?:bao nhieu|bnhieu|bao nhiu"
    r"|(?:la|duoc|dc|co|roi|dat) bn\b"
    r"|(?:duoc|dc|la|bao|thieu|dat|gui|nop|giup) may(?! (?:tram|chuc|nghin|ngan|trieu|bua|hom|ngay|lan"
    r"|chi (?!vay|roi|nhi|ha)|anh|ba con|co quan))"
    r"|may (?:hv|ho|nguoi|suat|cay|hoi vien|chau|phan tram|buoi)(?: \w+){0,4} (?:vay|nhi|roi chi|roi em|roi a)\b"
    r"|may hv\b"
    r"|(?:co|con) may [a-z]+[^,.;]{0,40} (?:vay|nhi|ha|ta|z)(?: (?:chi|em|e|a|anh))?(?=\s*(?:[,.;!?]|$))"
    r"|cho (?:em |chi |toi |minh |xa |hoi )?(?:xin|xem|biet|coi) (?:lai )?(?:so(?! tai khoan| dien thoai| dt| za)"
    r"|ket qua|tong|bao cao|sl)\b"
    r"|xem (?:so lieu|ket qua|bao cao)|cho xem)\b"
)
# Asked about anything; beside figures of its own clause or others it may only ask back ("gửi vậy được chưa chị?").
WONDERED = re.compile(
    rf"\b(?:cho (?:em|chi|toi|minh|hoi)(?: xin)? {_TO_ASK}|em {_TO_ASK}|muon hoi|xin hoi|hoi (?:chut"
    rf"|xiu|ti)|ngay may|ai chua|bao gio|la gi|the nao|khi nao|o dau"
    r"|may gio|lam sao de|sao roi|ra sao(?! cho)|chua nhi|chua chi|chua vay)\b"
    r"|\b(?:xem|coi|kiem tra|check|tra|do|thong ke|tong hop|loc)(?: lai)? (?:giup|gium|dum|ho"
    r"|cho) (?:em|e|chi|minh|xa|toi)\b"
    rf"|\b(?:gui|nop|bao|nhan|thay|du|duoc|dc|xong|dung|dat|duyet|ghi)\b[^,.;!?]{{0,40}}\bchua(?: (?:a"
    rf"|chi|em|nhi|vay|ha|e|c))+{_END}|\b(?:gui|nop|bao|nhan|thay|du|duoc|dc|xong|dung|dat|duyet"
    rf"|ghi)\b[^,.;!?]{{0,40}}\bchua{_PARTICLES}{_END}(?!,)"
    rf"|\b(?:phai|dung|duoc|dc) (?:khong|ko|k|hong|hk|hok){_PARTICLES}{_END}"
    rf"|\bco\b[^,.;!?]{{0,40}} (?:khong|ko|k|hong|hk|hok)(?: (?:chi|em|a|ah|vay|nhi|ha|co|bac))+{_END}"
    r"|\b(?:nao|ai|(?<!kieu )gi|sao|dau|may|j)\b[^,.;!?]{0,40} (?:vay|z|nhi|ha|the)(?: (?:chi|em|e|a|anh|c))?"
    rf"{_END}"
    rf"|\b(?:lay|mua|can|muon)\b[^,.;!?]{{0,30}} (?:khong|ko|k) (?:a|chi|em|vay){_END}"
    r"|\?"
)
NOT_A_COUNT = re.compile(r"\b(?:may gio|khi nao|o dau|lam sao|the nao|la gi|ai)\b")
"""A question for something else than figures, whatever activity it names."""

NIL = re.compile(
    rf"\b{NOT} (?:(?:co |thay |he |can )?(?:phat sinh|ps|hoat dong(?: gi| nao| moi)?|hd\b|so lieu|bien dong|thay doi"
    r"|viec gi|tin gi)|co (?:(?:gi|j)(?! dau| kho)\b|chi (?:moi|het|dau)|viec|ai vao|ai moi|cai gi)|gi moi|j moi"
    r"|(?:to chuc|trien khai|lam|thuc hien|sinh hoat|tham gia)(?: duoc| dc| them)?"
    r" (?:(?:hoat dong|hd|viec|noi dung|buoi) (?:nao|gi|j)|gi\b(?! duoc| cho| ca phe)|j\b)"
    r"|(?:sinh hoat|hop)\b(?! du| deu| thuong))"
)
NONE_OF_IT = re.compile(rf"\b{NOT} (?:co|ket nap|trong|thu|to chuc|phat trien|giup|sinh hoat)\b|: ?{NOT}\b")
_PEOPLE = r"(?:ba con|nguoi dan|chi em|dan lang|hoi vien|nhan dan|dan|may chi|cac chi|moi nguoi)"
OPINION = re.compile(
    r"\b(?:du luan|tin don|nghe don|don thoi|don rang|don la|xon xao|buc xuc|hoang mang|tam tu nguyen vong|nghe noi la"
    rf"|than phien|ban tan|tinh hinh tu tuong\b.{{0,60}}\b(?:ban khoan|lo lang|chua dong tinh|bat an|tam tu|thac mac)"
    rf"|co (?:mot so )?y kien (?:khong|chua|trai)|{_PEOPLE}(?: \w+){{0,3}} (?:ban khoan"
    rf"|lo lang|lo ngai|lo gia|lo viec|phan anh|phan nan|keu ca"
    r"|khong dong tinh|khong hai long|rat lo|dang lo|lo so|lo))\b"
)
OPINION_COUNTED = re.compile(r"(?<!thon )(?<!hoi )(?<!to )(?<!xom )(?<!lang )(?<!tdp )\b\d+ (?:tin|bao cao|bai)\b")
MOOD = re.compile(
    rf"\b{_PEOPLE}\b.{{0,60}}?\b(?:than (?:chuyen|vi|rang|la|ve|tho|kho|gia)|bat binh|bat man|(?:khong"
    rf"|ko) (?:dong y|chiu)"
    r"|tam tu|thac mac|kien nghi|e ngai|so mat|mat long tin|keu gia|de nghi nha nuoc|mong nha nuoc|phan anh)\b"
)
"""Words of mood that may also stand in a report of a meeting; an opinion only where there are no figures."""

_FULL_BIRTH = r"\d{1,2}[/.-]\d{1,2}[/.-](?:19\d\d|200\d|201[0-2])"
_YEAR_OF_BIRTH = r"(?:19[3-9]\d|200\d)"
BORN = r"\b(?:sn|sinh nam|sinh ngay|ns|nam sinh|ngay sinh|sinh)\b[ .:]*((?:\d{1,2}[/.-]\d{1,2}[/.-])?(?:19|20)\d\d)\b"
BORN_BARE = rf"(?<![\d/.-])({_FULL_BIRTH})(?![\d/.-])"
# "Kpă H'Mli 1991, thôn 3": a year after a name, not a count ("thêm 2000 cây") and not a year of the calendar.
BORN_YEAR = (
    r"(?<!\bnam)(?<!\btu)(?<!\bden)(?<!\bthem)(?<!\bduoc)(?<!\bdc)(?<!\bla)(?<!\bmoi)(?<!\bso)(?<=[a-z,(])[ (]*\(?"
    rf"\b({_YEAR_OF_BIRTH})\b(?=\)|\s*(?:[,;.]|$)| (?:vao|lang|thon|buon|bon|xom|tdp|dt|sdt|so|dan toc|0\d))"
)
_ADMIT = (
    r"(?:\b(?:ket nap|dang ky|dang ki|dk|nhap|them|bo sung|gia nhap|vao hoi|tham gia hoi|xin vao|xin cho|hv moi|hv ms"
    r"|hoi vien moi)\b|^\W*(?:hv|hoi vien)\b)"
)
_OWN_PHONE = r"(?<![\d.,/])(?:\+?84|0)\d(?:[ .-]?\d){7,9}(?!\d)"
REGISTER = (
    re.compile(rf"{_ADMIT}.{{0,80}}?(?:{BORN}|{BORN_BARE})"),
    re.compile(
        rf"\b(?:ghi|dua|cho|them|nhap|bo sung)\b[^.;!?]{{0,30}}"
        rf"\bdanh sach (?:hoi vien|hv)\b.{{0,80}}?(?:{BORN}|{BORN_BARE})"
    ),
    re.compile(
        rf"\b(?:ten|ho ten|ho va ten) ?: ?[a-z].{{0,60}}?{BORN}.{{0,30}}?\b(?:dt|sdt|dien thoai|dia chi|dc|chi hoi)\b"
    ),
    re.compile(rf"{_ADMIT}[^\d]{{0,60}}?(?:\b[1-9]\b[^\d]{{0,50}}?)?{BORN_YEAR}"),
    re.compile(
        r"\b(?:muon|xin|xin duoc|cho (?:em|toi|chi|minh)|dang ky|dang ki|dk) (?:duoc )?(?:vao|tham gia|gia nhap|lam|la)"
        r" (?:hoi vien|hoi phu nu|hoi lhpn|hoi)\b(?! thi| nghi| thao| hop| cho)"
        r"|\b(?:dang ky|dang ki|dk) (?:cho )?(?:hoi vien|hv)\b"
        r"|\b(?:xin|dk|dang ky|dang ki)(?: vao hoi)? cho (?:chi|em|ba|co|con|chau)\b(?! \d).{0,60}?\bvao hoi\b"
    ),
    re.compile(
        rf"(?:{_ADMIT})(?![^\d]*\d+ ?(?:hv|hoi vien|chi|nguoi)\b)(?!.{{0,80}}\b(?:goi|lien he"
        rf"|lh)\b)[^\d]{{0,70}}{_OWN_PHONE}"
    ),
)
# "kết nạp Đảng", "hv Tư sn 1950 qua đời", "đăng ký học nghề": a person and her year, and no admission.
_NOT_ADMITTED = re.compile(
    r"\bket nap (?:vao )?dang\b(?! ky| ki)|\bvao dang\b|\b(?:qua doi|chuyen di|xin ra|ra khoi"
    r"|thoi sinh hoat|nghi sinh hoat"
    r"|hoc nghe|hoi thi|vay von|tap huan|cao tuoi|bi benh|om dau|tai nan|thanh lap|khoi nghiep)\b"
    r"|(?<!thi )\b(?:tang|trao|tham|ho tro) (?:qua|\d+|cho|hv|hoi|suat|phan|chi|tien|hoc bong)\b"
)
FORWARDED = re.compile(
    r"^\W*(?:chuyen tiep|fwd?|forward)\b.{0,40}\btheo (?:bao|dai|tin|trang|nguon)\b(?! cao)"
    r"|\btheo (?:bao|dai|trang|trang tin|tap chi) (?:phu nu|gia lai|dak lak|dak nong|lam dong|kon tum|binh dinh|phu yen"
    r"|khanh hoa|quang ngai|quang nam|dan tri|tuoi tre|thanh nien|nhan dan|vnexpress|vtv|vov|tin tuc)\b"
)
"""News that others wrote: its numbers are none of the sender's."""
ADMITTED = re.compile(
    r"^(?!.*\bmay chi\b).*\b(?:ket nap|vao hoi|thoat ngheo|thoat can ngheo|qua doi|chuyen di|chuyen den|chuyen ve)\b"
)
"""Deeds told of a person by name: without a number, how many it was is asked."""
SEVERAL = re.compile(
    r"\b(?:ket nap|cho|trao|tang) [^.;]{0,40}\b(?:chi|em|co|ba) [a-z]+(?: [a-z]+){0,3}(?:,| va)(?: chi"
    r"| em| co| ba)? [a-z]"
)
ANNOUNCED = re.compile(
    r"^\W*(?:thong bao|kinh gui|kinh moi|moi cac chi|nho cac chi|nhac cac chi|de nghi cac chi|chuyen tiep|fw\b|tb\b)"
)
_WE = r"(?:chi hoi|chi|thon|xa|to|co so|don vi|chi em|hoi vien|ban)"
REQUESTED = re.compile(
    rf"\b(?:de nghi|yeu cau|keu goi|luu y|nhac nho|nhac|nho)\b[^.;:!?]{{0,20}}\b(?:cac|moi|tung) {_WE}\b"
    rf"|\b(?:cac|moi|tung) {_WE} (?:luu y|chu y|nho|phai|chuan bi|mang)\b|\bphan bo (?:chi tieu|cho)\b|^\W*v/v\b"
    r"|\b(?:ai|chi nao) (?:ranh|di duoc|muon|nhan|can|lay|dang ky)\b|\bcan (?:them )?\d+ (?:chi|nguoi|ban)\b"
    r"|\bdu \d+ (?:chi|nguoi) moi\b|\bnho (?:mang(?! mang)|di|den|nop|mac|dong du)\b|\bhen gap\b"
    r"|\b(?P<particle>nha|nhe|nghen) (?:cac chi|may chi|chi em|moi nguoi|mn|ca nha|cac me)\b"
)
"""What others are asked to do or to come to."""
DONE = re.compile(
    r"\b(?:da|vua|xong|hoan thanh|dat duoc|thu duoc|trong duoc|em bao|bc|bao cao)\b"
    r"|\b(?:duoc|dc|ket nap|gay duoc)(?: \w+){0,2} \d[^,;!?\n]{0,40} (?:roi|r)\b"
)
LATER = re.compile(
    r"\b(?P<part1>sang|trua|chieu|toi|dem) nay (?:luc |vao )?(?P<hour1>\d{1,2}) ?(?:h|g|gio)\d{0,2}\b"
    r"|\b(?P<hour2>\d{1,2}) ?(?:h|g|gio)\d{0,2} (?P<part2>sang|trua|chieu|toi|dem) nay\b"
)
"""An hour of today; whether it is still to come only the time of the message tells."""
GIVEN_THANKS = re.compile(
    r"\bcam on\b[^.;:!?]{0,40}\b(?:tang|trao|ho tro|ung ho|cho|giup)\b|\bcam on\b[^,.;:!?]{0,30}\bgui\b"
)
PRIVATE = re.compile(
    r"\b(?:ong xa|ba xa|chong em|chong chi|chong toi|con gai em|con trai em|me em|me chong)\b.{0,20}"
    r"\b(?:tang|cho|mua|nau|dat|kiem|ban)\b|^\W*(?:hihi|haha|hehe|kk|hi hi|ha ha)\b"
    r"|\b(?:nha|vuon|ray|ruong) (?:(?:em|minh|toi)\b(?! nhe| nha| oi| a\b| bao).{0,30}|chi )"
    r"\b(?:trong|goi|ban|mua|hai|vay|thu hoach|nuoi|co \d)"
    r"|\b(?:vuon|ray|ruong) (?:em|minh|toi)\b(?! nhe| nha| oi| a\b| bao)|\bem (?:ban|mua|vay|dat|sinh em be)\b"
    r"|\bdia chi(?: nha)?(?: em| chi| cua em)?(?: la)? ?:? ?(?:so )?\d"
    r"|^\W*(?:bua nay |hom nay |nay )?gia (?:heo|ca phe|tieu|lua|gao|mi|vang|xang|sau rieng|dieu"
    r"|cao su|ca|thit|bo|ga)\b"
)
GREETED = re.compile(r"^\W*(?:xin chao|chao|alo|cam on|chuc)\b")


def intent_of(text: Aligned) -> str | None:
    """Return the intent the words of a one-line text tell, before any figure is looked at; None if they tell none."""
    folded = text.text
    if any(_meant(match, text, _REMOVE_TYPED) for pattern in _DELETE for match in pattern.finditer(folded)):
        return "delete"
    if _registers(text):
        return "register_member"
    if OPINION.search(folded) and not OPINION_COUNTED.search(folded):
        return "opinion"
    if any(_meant(match, text, _SLIP_TYPED) for match in CORRECT.finditer(folded)):
        return "correct"
    return "query" if ASKED.search(folded) or questions(text) else None


def questions(text: Aligned) -> list[re.Match[str]]:
    """Return the questions whose accents do not say other words: "ở chùa chị", "em hội viên" ask nothing."""
    return [match for match in WONDERED.finditer(text.text) if _asks(match, text)]


def _asks(match: re.Match[str], text: Aligned) -> bool:
    for word, meant in (("chua", "chưa"), ("hoi", "hỏi")):
        at = match[0].rfind(word)
        if at < 0 or (word == "hoi" and not match[0].endswith(word)):
            continue
        typed = text.typed(match.start() + at, match.start() + at + len(word))
        if not typed.isascii() and typed != meant:
            return False
    return True


def _registers(text: Aligned) -> bool:
    """Tell whether someone is to be entered: by her birth, her phone or a wish to join."""
    if _NOT_ADMITTED.search(text.text):
        return False
    return any(pattern.search(text.text) for pattern in REGISTER)


def _meant(match: re.Match[str], text: Aligned, typed: Mapping[str, set[str]]) -> bool:
    """Tell whether the accents typed on the named words of a match allow the words meant ("bò" is not "bỏ")."""
    for name in ("verb", "how", "how2", "slip", "slip2"):
        if name in match.re.groupindex and match[name]:
            first = match[name].split(" ")[0]
            start = match.start(name)
            said = text.typed(start, start + len(first))
            if not said.isascii() and said not in typed.get(first, {said}):
                return False
    return True
