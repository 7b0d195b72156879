"""The unit of the density method: text between two block-level tags."""

import re
from dataclasses import dataclass

from lxml.html import HtmlElement

#: marks that sentences have and navigation has not
MARKS = re.compile(r"[，。！？；：、“”》…,.!?;]")
STRONG = re.compile(r"[。！？；!?]")
#: lines of a site's own footer; a notice may well speak of a licence, or end with the number to call
LEGAL = re.compile(
    r"copyright|all rights reserved|ICP备|ICP证|版权所有|公网安备"
    r"|许可证(?:编?号)?\s*[:：]?\s*[\u4e00-\u9fff(（]{0,3}\d{5}"
    r"|不良信息举报|^\W*.{0,10}举报电话|©"
    r"|邮编[:：]|地址[:：].{0,40}电话|传真[:：]",
    re.I,
)


@dataclass(slots=True, kw_only=True)
class Block:
    """Text between two block-level tags."""

    home: HtmlElement
    text: str
    links: int  #: characters inside links
    heading: bool = False
    away: bool = False  #: inside an element that is named like a comment or related-news box
    worth: float = 0.0
