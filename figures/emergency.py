"""Recognise a call for help: violence, abuse, suicide, trafficking, or danger in a disaster. It runs on every message.

Talking about prevention ("tuyên truyền phòng chống bạo lực gia đình"), giving aid ("ủng hộ bà con bị lũ cuốn trôi nhà")
or what is over is no call for help; where a message also speaks of one person's danger, help comes first.
"""

from __future__ import annotations

import re
import unicodedata

from vietnamese.fold import fold_letter

VIOLENCE = "bao_luc_gia_dinh"
DISASTER = "thien_tai"
MAX_CHARS = 5_000

# Words typed with accents that are none of those below: cựu chiến binh, chạy bộ, để dành, tất cả, sắp đặt.
_OTHERS = re.compile(r"\b(?:cựu|cừu|cửu|chạy(?! máu)|chày|dành|đành|đáp|đắp|tất|tắt|hạnh|hãnh|lụa|lúa|núi rừng)\b")
_WHO = (
    r"(?:ong chong|ong xa|chong|vo|ba xa|anh ay|no|cha duong|bo duong|ba duong|duong|cha|bo|ba|me ke"
    r"|me|con trai|nguoi yeu"
    r"|ban trai|hang xom|nguoi ta|ong ay|han|ong ta|ong noi|ong|lao|thay giao|chu|bac|dua [a-z]+"
    r"|thang [a-z]+|anh [a-z]+)"
)
_WHILE = (
    r"(?: (?:em|e|chi ay|chi ta|chi|toi|ay|minh|con|no|chau|co ay|hay|cu|lai|say ruou|say|uong ruou"
    r"|ruou|vua|dang|moi|da"
    r"|thuong xuyen|thuong|toan|muon|doi|hang xom|nhau|ve|xin|hom qua|hom nay|toi qua|bao|la|roi|ham))"
)
# "đánh giá", "danh sách", "đánh cầu lông" and their like are no blows.
_NO_BLOW = (
    r"(?! gia| dau(?! don| qua)| bat| ca\b| co\b| bai\b| cau| trong| may| chac| thuc| doi| mat| bong"
    r"| nhau voi| van ban| so\b"
    r"| son| sach| du| hieu| muc| xe| rang| tieng| thue| vay| muc| banh)"
)
_HURT = (
    rf"(?:danh{_NO_BLOW}|dap(?! lua| nuoc| xe)|tat(?! ca| den| nien| ta\b| bat)|bop co|dam(?! cuoi| bao"
    rf"| nhan| ma\b| phan| o\b)|chem|giet"
    r"|hanh ha|nguoc dai|cuong hiep|hiep dam|hiep(?! hoi| dinh| thuong)|xam hai|bao hanh|chui boi|duoi danh|doa giet"
    r"|hanh hung|day nghien|nhot|chui mang|de doa|bat nat|quay roi|tra tan|bo doi|xich|troi|so mo"
    r"|sam so|so soang|bat coc|duoi khoi nha"
    r"|duoi ra khoi|duoi di|bop co|ruot|rach mat)"
)
_BY = (
    r"(?:chong cu|chong say|chong|vo|cha duong|bo duong|ba duong|me ke|cha|bo|ba|me|con trai|con|nguoi ta|ai do|no"
    r"|ong chong|ong hang xom|ong ay|ong|anh|nguoi yeu|duong|hang xom|ke xau|nguoi la|ban hoc|ban|may dua|dua [a-z]+) "
)
_VIOLENCE = re.compile(
    rf"\b(?:{_WHO}{_WHILE}{{0,6}} {_HURT}\b|bi (?:{_BY}){{0,3}}(?:rung |xong vao |keo )?{_HURT}\b"
    r"|bao hanh|danh dap|cau cuu|danh vo|danh con|giet vo|bi bao luc|bi ban sang|bi lua ban|bi mua ban"
    r"|cuu (?:em|toi|con|me con|chi|chau)\b|so chong|bi hanh ha"
    r"|danh (?:bam|gay|tim|sung|ngat|xiu|hoi dong|toi tap|gan chet|den chet|nhau(?! voi))|(?:chay|do) mau"
    r"|(?:cam|vac|xach|ke|di) (?:con |cay |cai )?(?:dao|rua|bua|mac|liem|riu|guom|sung)\b"
    r"|(?:doa|ham|doi|dinh) (?:\w+ )?(?:giet|chem|dot nha|dot)|lam bay voi|gio tro|dam o\b|lam nhuc|bat coc"
    rf"|{_WHO}\b[^,.;]{{0,50}}\b(?:danh|dap|tat|dam|chui|bop co|xich|troi|nhot|so mo)"
    r" (?:em|e|toi|vo|con|chau|be|chi ay|me con|minh|no)\b(?! choi| hoc)"
    r"|ep (?:\w+ )?(?:quan he|ngu)|bat (?:em|con|chau|vo) (?:ngu|quan he)|ngu voi no|(?:tung"
    r"|phat tan) (?:anh|clip)|anh nong"
    r"|tat (?:xang|axit|a xit)|cuong buc|bi duoi (?:khoi|ra khoi) nha)"
)
_LIFE = re.compile(
    r"\b(?:tu tu|tu van(?= (?:roi|chi|di|o|bang|chet))|tu sat|quyen sinh|treo co|(?:khong|ko|k|chang"
    r"|het) (?:muon|thiet|can)"
    r" (?:song|song nua)|chan song|(?<!vui )(?<!met )(?<!cuoi )(?<!nong )(?<!doi )(?<!them )(?:muon"
    r"|doi|dinh) chet(?! luon| cuoi)|chet quach"
    r"|bien mat khoi|khong muon ton tai|nam (?:\w+ )?(?:duong ray|dau xe)|(?:doi|dinh|muon"
    r"|vua) nhay (?:cau|song|lau|xuong|gieng)"
    r"|(?:uong|cam|nuot) (?:\w+ )?thuoc (?:sau|tru sau|diet co|co|chuot|ray)|cat (?:co tay|mach mau))\b"
)
_ABROAD = r"(?:campuchia|cam pu chia|cambodia|trung quoc|\btq\b|lao\b|mien dien|myanmar|bien gioi|nuoc ngoai|malaysia)"
_SOLD = re.compile(
    rf"\b(?:(?:bi|dang bi) (?:\w+ )?(?:du|lua|ban|ru|dan|bat)\b[^.;]{{0,40}}(?:sang|qua|ben"
    rf"|di) {_ABROAD}|lua ban(?! hang| qua mang| online| ve| dat)|buon nguoi|tien chuoc|so bi ban|theo nguoi la"
    rf"|(?:du|ru|lua|dua|dan)\b[^.;]{{0,40}}(?:sang|qua|ben) {_ABROAD}[^.;]{{0,60}}\b(?:nghi|so|lo"
    rf"|khong lien lac|ko lien lac)"
    r"|bi ban (?:sang|qua)|nghi (?:bi )?(?:buon|mua ban) nguoi)"
)
_TALK = re.compile(
    r"\b(?:tuyen truyen|truyen thong|tap huan|cau lac bo|clb|phong,? ?chong|pcbl|toa dam|hoi thi|sinh hoat|chuyen de"
    r"|noi chuyen|luat|mo hinh|to roi|hoi nghi|tieu pham|doi thoai|ky nang|dia chi tin cay|ngay hoi|mit tinh"
    r"|thang hanh dong|dien tap|chieu phim|lop|doi cuu ho|phong chay|lop day|hoc boi)\b"
)
_AID_OR_OVER = re.compile(
    r"\b(?:ung ho|tang|trao|tham|quyen gop|giai cuu|nam ngoai|nam truoc|on roi|da hoa giai|qua khoi|cuu kip|thong ke"
    r"|thiet hai|khac phuc|cuu tro|cuu doi|giup \d|an toan|don bun|hoa giai xong|cuoi nam"
    r"|trong (?:\w+ ){0,2}cay|\d+ cay)\b"
    r"|\bho tro (?:\d|gia dinh|ho|nan nhan|ba con|chi)"
)
# These name one person and one deed; talk about prevention in the same message does not take them away.
_A_PERSON = re.compile(
    r"\b(?:cuu (?:em|chi|con|toi|me|voi|chau)|em bi|toi bi|chi ay bi|chau bi|con bi|minh bi|co ay bi|me bi|chong em"
    r"|chong chi|chong toi|vu chong danh|ong chong|dang bi|vua bi|(?<!khi )bi chong|chong (?:no|say|cu)"
    r"|giup (?:em|chi|toi|con) voi|dang o nha em|lam sao|dang danh|con be|dua nho)\b"
)
_COUNTED = re.compile(r"\b\d+ (?:vu|nan nhan|truong hop|ca) ")
_WATER = (
    r"(?:nuoc|lu|lut)(?: lu)? (?:(?:da|dang|len|ngap|ve) ){0,2}(?:dang len|len nhanh|ngap nha|vao nha|toi noc|ngap toi"
    r"|toi co|toi nguc|toi tran|cuon|len cao|len qua|dang dang|dang cao|vay|toi mai|nhanh qua|xiet|dang)"
)
_DISASTER = re.compile(
    rf"\b(?:{_WATER}|mac ket|ket (?:tren|lai|trong|ben trong|roi|o)|tren mai nha|(?:tren|len) noc"
    rf"|sat lo|vui (?:lap|mat)"
    r"|bi vui|bi cuon troi|bi lu cuon|bi nuoc cuon|bi co lap|cuu ho|cuu nan"
    r"|can (?:thuyen|ca ?no|xuong)|chay nha|nha (?:\w+ ){0,3}(?:dang |bi )?chay\b|dang chay\b|bi chay"
    r"|lua (?:lan|chay|boc)"
    r"|lu (?:quet|ong|cuon)|(?:nui|dat) lo|lo (?:nui|dat)|sap (?:de|xuong)|nha sap|toc het|nuoc (?:len"
    r"|dang) nhanh|nuoc (?:vo|vao|tran|chay [sx]iet)|(?:bi )?(?:nuoc|lu) vay|ket het|toc (?:het )?mai|xa lu"
    r"|nha (?:em|chi|minh|toi) ngap|bi duoi nuoc|dien giat)\b"
)
_HELP = re.compile(
    r"\b(?:cuu(?! tro| chien| thanh| hoc| can bo)|keu cuu|giup (?:em|chi|toi|voi|gap|ba con|lang|thon|me con)|can giup"
    r"|goi ai|goi dau|goi (?:114|115|113|cuu ho|cap cuu)|lam sao|khan cap|nguy hiem|nguy qua|gap lam|ngay voi|so qua"
    r"|dang len|thuyen|ca ?no|mac ket|ket tren|nguoi trong do|con nguoi"
    r"|(?:khong|ko) (?:ra|thoat|di) duoc|het (?:luong thuc|do an|gao|nuoc)|chua co ai|(?:can|giup|cuu"
    r"|xin|goi|den|toi|len|qua) (?:\w+ ){0,3}gap\b|gap (?:lam|qua|voi)|con trong do|o trong do|ba bau"
    r"|biet o dau|o dau gio|mat lien lac|het trong nay|dua nho|nguoi gia|nhanh lam|nhanh qua)\b"
)
# A cry that does not say what from: who hurts her comes before it.
_CRY = re.compile(r"\b(?:cuu voi|(?:xin|can) (?:duoc )?cuu(?! tro| chien| thanh| hoc| can bo))\b")
# Life is at stake whether help is asked for or not.
_LOST = re.compile(
    r"\b(?:(?:lu|nuoc) (?:\w+ )?cuon (?:mat|troi) (?:\d+ |may )?(?:nguoi|chau|chi|em|con|ba|ong|anh|be|me)"
    r"|(?:dang|bi|roi|con) mat tich|mat tich roi|\d+ (?:chi|nguoi|chau|em) (?:dang |bi )?(?:mat tich"
    r"|bi vui|vui lap|bi cuon)"
    r"|(?:thuyen|do|ghe|xuong) (?:bi )?lat|lat (?:thuyen|ghe|xuong)|sap de (?:chi|anh|ba|ong|chau|em|me|nguoi|chet)"
    r"|(?:tren|len) (?:noc|mai) nha.{0,30}(?:chi oi|cuu|roi|voi)|ngap (?:toi|den) (?:co|noc|mai|nguc|tran)"
    r"|dien giat|bat tinh|(?:nha|lua) (?:\w+ ){0,3}dang chay|lua (?:dang )?(?:lan|boc)|lu quet|mac ket|bi vui|vui mat"
    r"|(?:bo ke|de|dap|ke) vo|vo (?:de|dap|bo ke|ke)|(?:sap cau|cau sap).{0,30}nguoi|(?:rot|te|roi"
    r"|nga) xuong (?:suoi|gieng|song|vuc|ho|ao)"
    r"|(?:sat |sap )de|de trung|chay lon|chay lan|(?:xe|thuyen) (?:\w+ ){0,6}(?:bi )?lat roi"
    r"|ngo doc.{0,40}(?:vien|cap cuu|roi)"
    r"|nuoc (?:len|dang) nhanh qua|duoi nuoc roi|bi duoi nuoc)\b"
)
_WRITTEN_OUT = {
    "e": "em",
    "c": "chi",
    "ng": "nguoi",
    "ko": "khong",
    "k": "khong",
    "dc": "duoc",
    "r": "roi",
    "ck": "chong",
}
_SHORT = re.compile(r"\b(?:" + "|".join(_WRITTEN_OUT) + r")\b")
_GATE = re.compile(
    r"danh|dap|tat\b|bop co|dam|chem|giet|hanh|nguoc|hiep|xam|bao luc|cuu|tu tu|tu van|tu sat|song|chet|so chong|chui"
    r"|nhot|de doa|mua ban|ban sang|lua ban|buon nguoi|nuoc|\blu\b|lo\b|vui|ket|noc|mai nha|co lap|thuyen|ca ?no|chay"
    r"|day nghien|bat nat|quay roi|tra tan|dao|rua|bua|liem|bay voi|sam so|gio tro|bat coc|nhay|thuoc"
    r"|treo co|cat co|mau"
    r"|tich|lat|sap|lua|giat|bat tinh|xang|doi|campuchia|trung quoc|ben lao|nuoc ngoai|duoi|ngap|ruot"
    r"|soang|dot|xich|troi|so mo|quan he|ngu|anh|clip|bien mat|duong ray|chuoc|nguoi la|vo|tran|siet"
    r"|xiet|rot|te|nga|doc|toc mai|toc het"
)


def is_emergency(text: str) -> str | None:
    """Return the topic of a call for help, `bao_luc_gia_dinh` or `thien_tai`; None for any other message.

    Looks at the first 5,000 characters.
    """
    typed = _OTHERS.sub("-", unicodedata.normalize("NFC", text[:MAX_CHARS]).lower())
    folded = "".join(map(fold_letter, typed))
    if not _GATE.search(folded):
        return None
    return _topic(_SHORT.sub(lambda match: _WRITTEN_OUT[match[0]], " ".join(folded.split())))


def _topic(folded: str) -> str | None:
    calm = bool(_TALK.search(folded) or _AID_OR_OVER.search(folded) or _COUNTED.search(folded))
    if _DISASTER.search(folded) and _HELP.search(folded) and not (calm and not _A_PERSON.search(folded)):
        return DISASTER
    if _LOST.search(folded) and not calm:
        return DISASTER
    if (_LIFE.search(folded) or _SOLD.search(folded)) and not (calm and not _A_PERSON.search(folded)):
        return VIOLENCE
    if _is_violence(folded):
        return VIOLENCE
    return DISASTER if _CRY.search(folded) and not calm else None


def _is_violence(folded: str) -> bool:
    if not _VIOLENCE.search(folded):
        return False
    calm = _TALK.search(folded) or _COUNTED.search(folded) or _AID_OR_OVER.search(folded)
    return bool(_A_PERSON.search(folded)) or not calm
