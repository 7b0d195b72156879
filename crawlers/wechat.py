"""What pages of official accounts say of themselves: the time only in a script, the account's name in one element."""

import re
from dataclasses import replace
from datetime import datetime

from lxml.html import HtmlElement

from crawlers.dates import parse_stamp
from crawlers.markup import words
from crawlers.printed import Printed

_TIME = re.compile(r"\b(?:oriCreateTime|createTime|publish_time|ct)\s*=\s*[\"'](?P<time>[^\"']{8,30})[\"']")
_LONGEST = 300_000  #: characters of a script that are looked at


def with_script(said: Printed, root: HtmlElement, now: datetime) -> Printed:
    """What is printed, completed by what only the page's own scripts and its account element say."""
    name = next((words(e) for e in root.xpath("//*[@id='js_name']")), "")
    said = replace(said, origin=said.origin or name[:60])
    if said.exact:
        return said
    for script in root.iter("script"):
        for match in _TIME.finditer((script.text or "")[:_LONGEST]):
            stamp = parse_stamp(match["time"], now)
            if stamp and stamp.exact:
                return replace(said, at=stamp.at, exact=True)
    return said
