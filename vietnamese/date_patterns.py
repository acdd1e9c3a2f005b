"""The shapes of days and periods in folded text (single spaces), most specific first: name, gates, pattern.

A pattern is tried only where one of its gates stands in the text; that keeps the reading of a short message fast.
"""

from __future__ import annotations

_YEAR = r"(?: ?(?:/|-|nam) ?(?P<year>(?:19|20)\d\d)\b| (?P<said>nam (?:ngoai|truoc|roi|nay))\b)?"
_NO_YEAR = r"(?P<year>(?!))?(?P<said>(?!))?"
_PAST = r"(?P<past> (?:tuan )?(?:truoc|roi|qua|vua roi|vua qua)\b| tuan nay\b)?"
_PART = r"(?:\b(?:ngay|hom|sang|trua|chieu|toi|dem|vao) )?"
_LUNAR = r"(?P<lunar> (?:am lich|am|al)\b)?"
_MONTH_WORD = r"gieng|hai|ba|tu|nam|sau|bay|tam|chin|muoi mot|muoi hai|muoi|chap"
_COUNTS = "muoi|chuc|tram|nghin|ngan|trieu|ty"
_MONEY = (
    r"(?! ?(?:tr|(?<! )k|k(?! (?:co|phai|phat|ai|thay|to chuc|sinh hoat)\b)|trieu|nghin|ngan|ty|ti|cu|dong|d)\b|[.,]\d)"
)

PATTERNS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "range",
        ("/",),
        r"\b(?:tu )?(?:ngay )?\d{1,2}(?:/\d{1,2})?(?:/\d{4})? ?(?:-|den(?: ngay)?|toi(?: ngay)?) ?"
        r"\d{1,2}/\d{1,2}(?:/\d{4})?\b",
    ),
    (
        "full",
        ("/", "-", "."),
        r"\b(?:(?:ngay|mung|mong) )?(?P<d>\d{1,2}) ?[/.-] ?(?P<m>\d{1,2}) ?[/.-] ?(?P<year>(?:19|20)\d\d)\b",
    ),
    (
        "spoken",
        (" thang",),
        _PART
        + r"(?:\b(?:mung|mong) )?(?<!tuan )\b(?P<d>\d{1,2}) thang (?P<m>\d{1,2}|gieng|chap)\b(?![.,]?\d)"
        + _LUNAR
        + _YEAR,
    ),
    ("day_near", ("ngay ",), r"\bngay (?P<d>\d{1,2}) thang (?P<which>nay|truoc|roi|vua roi)\b"),
    ("tet", (" tet",), r"\b(?:mung|mong) (?P<d>\d{1,2}) tet\b"),
    ("tet_eve", (" tet",), _PART + r"(?<![\d.,/])\b(?P<d>2\d|30) tet\b"),
    ("bare_full_moon", ("ram ",), r"\bram thang sau\b"),
    ("full_moon", ("ram ",), rf"\bram (?:thang )?(?P<m>\d{{1,2}}|{_MONTH_WORD})\b(?![/\d])"),
    (
        "feast",
        ("trung thu", "vu lan", "nguyen tieu"),
        r"\b(?P<on>(?:dem|toi|hom|ngay|sang) )?(?:tet |le )?(?P<feast>trung thu|vu lan|nguyen tieu)\b"
        r"(?P<past> (?:vua roi|vua qua|roi|nam nay))?",
    ),
    (
        "day_month",
        ("/",),
        _PART + r"(?:\b(?:mung|mong) )?(?<![\d.,/])(?P<d>\d{1,2})/(?P<m>\d{1,2})\b(?![/.,]\d| ?%)" + _LUNAR,
    ),
    ("day_only", ("ngay ",), r"\bngay (?P<d>\d{1,2})\b(?! ?cong| thang|[/.,-]\d)"),
    ("lunar_day", ("mung ", "mong "), r"\b(?:mung|mong) (?P<d>\d{1,2})\b"),
    ("half", ("6 thang",), r"\b6 thang (?P<half>dau|cuoi) nam\b(?: (?P<year>20\d\d)\b)?"),
    (
        "since",
        ("dau nam", "luy ke"),
        r"\b(?:(?:tinh )?tu dau nam|dau nam (?:den|toi)|(?:luy ke )?\d{1,2} thang dau nam|luy ke (?:ca )?nam"
        r"|luy ke \d{1,2} thang)"
        r"(?: (?:(?:den|toi) )?(?:nay|gio)\b)?(?: (?P<year>20\d\d)\b)?",
    ),
    (
        "begun",
        ("tu dau ", "dau thang ", "dau quy ", "dau tuan "),
        r"\b(?:tu )?dau (?P<of>thang|quy|tuan)(?: nay)? (?:den|toi) (?:nay|gio|h|hom nay)\b"
        r"|\btu dau (?P<of2>thang|quy|tuan)\b"
        r"(?! \d| truoc| roi)",
    ),
    (
        "quarter",
        ("quy", "q"),
        r"\b(?:quy |q)(?P<q>[1-4]|iv|i{1,3})\b" + _MONEY + _YEAR,
    ),
    (
        "quarter_near",
        ("quy ",),
        r"(?<!gay )(?<!vao )(?<!bo )(?<!gop )(?<!tien )\bquy (?P<which>nay|truoc|roi|vua roi)\b",
    ),
    (
        "short_weekday",
        ("t2 ", "t3 ", "t4 ", "t5 ", "t6 ", "t7 "),
        r"\b(?P<th>t)(?P<wd>[2-7])(?P<past> (?:tuan )?(?:truoc|roi|qua|vua roi|vua qua)\b| tuan nay\b)",
    ),
    (
        "month",
        ("thang", "thg", "t"),
        r"\b(?:thang ?|thg ?|t)(?P<m>\d{1,2})\b(?! ?tuoi\b)" + _MONEY + _YEAR,
    ),
    (
        "month_word",
        ("thang ",),
        # "mỗi tháng năm trăm nghìn", "3 tháng ba lần" are no months.
        rf"(?<!moi )(?<!hang )(?<!\d )\bthang (?P<m>{_MONTH_WORD})\b(?! (?:{_COUNTS}|lan|ruoi)\b)" + _NO_YEAR,
    ),
    (
        "month_near",
        ("thang ", "thag ", "thg "),
        r"(?<!/)\b(?:thang|thag|thg) (?P<which>nay|truoc|roi"
        r"|vua roi|vua qua|qua)\b",
    ),
    (
        "weekday",
        ("thu", "t", "cn"),
        _PART + r"\b(?:(?P<th>thu) ?(?P<wd>[2-7]|hai|ba|tu|nam|sau|bay)|chu nhat|cn)\b" + _MONEY + _PAST,
    ),
    ("whole_month", ("ca thang", "tron thang"), r"\b(?:ca|tron) thang\b(?! nay| truoc| roi| vua| qua| \d)"),
    ("week", ("tuan ",), r"\btuan (?P<which>nay|truoc|roi|qua|vua roi|vua qua)\b"),
    ("year", ("nam 20",), r"\bnam (?P<year>20\d\d)\b"),
    (
        "year_near",
        ("nam",),
        rf"(?<!\d )\bnam (?P<which>nay|ngoai|truoc|roi)\b|\b(?:ca|trong) nam\b(?! (?:{_COUNTS}|cay|goc|gio|phut)\b)",
    ),
    (
        "ago",
        ("truoc", "cach"),
        r"\b(?:cach day )?(?P<n>\d{1,2}|hai|ba|bon) (?:ngay|hom|bua) truoc\b"
        r"|\bcach day (?P<n2>\d{1,2}) (?:ngay|hom|bua)\b",
    ),
    (
        "today",
        ("nay", " ni"),
        r"\b(?:ngay )?(?:hom|sang|trua|chieu|toi|dem|bua|h\.?) ?nay\b|\bhnay\b|\b(?:hom|sang|trua|chieu) ni\b",
    ),
    ("yesterday", ("qua", " wa"), r"\b(?:hom|sang|trua|chieu|toi|dem|bua|h\.?) ?(?:qua|wa)\b|\bhqua\b"),
    ("bare_before", ("kia",), r"\b(?:hom|bua) kia\b"),
    ("long_before", ("kia",), r"\b(?:hom|bua) kia\b"),
    ("before", ("kia",), r"\b(?:hom|bua) kia\b"),
    (
        "ahead",
        ("mai", "sau", "toi"),
        r"(?:^\s{0,4}|(?<=[,.;!?\n] )|(?<=[,.;!?\n]))mai(?= (?:chi hoi|em|cac chi|chi em|minh|hop|di|la|xa"
        r"|trong|tang|trao|nau|tham|don"
        r"|giup|ban giao|to chuc|tuyen truyen|ket nap|ra mat|phat"
        r"|thon|hoi|sinh hoat|ra quan|moi|\d+)\b)"
        r"|\b(?:(?:ngay|sang|chieu|toi) mai|(?:tuan|thang|quy|nam|dot|lan) (?:sau|toi(?! nay| gio| h\b))|sap toi)\b",
    ),
    (
        "vague",
        ("hom", "bua", "dot", "vua", "gian", "day", "dao", "may"),
        r"\b(?:hom (?:bua|truoc|no|roi|nao)|bua (?:truoc|no|hom|roi)|may (?:hom|bua|ngay) (?:truoc|nay|roi)"
        r"|(?:dot|thoi gian) (?:vua )?(?:truoc|roi|qua)|gan day|moi day|dao nay|may thang (?:nay|truoc))\b",
    ),
)
