"""What of a post is compared when near-duplicates are looked for."""

import re

SHORTEST = 8  #: fewer letters say too little to call two texts the same
LONGEST = 4096  #: characters of a text that count

_REPOST = re.compile(r"//\s*@[^:：@/]{1,40}[:：]")
_NOISE = re.compile(
    r"https?://[\x21-\x7e]+|@[\w-]{1,30}|\[[\w\u4e00-\u9fff]{1,8}\]|转发微博|轉發微博|收起全文d?|展开全文|网页链接"
)


def core(text: str) -> str:
    """The part that is the item itself: for a repost with comment the original, without links, mentions and emoticons.

    A Weibo chain reads `comment //@last: comment //@first: original`; the last part counts if it is long enough.
    """
    text = text[: 2 * LONGEST]
    if "//" in text:
        last = _REPOST.split(text)[-1]
        text = last if len(last) >= 2 * SHORTEST else text
    return _NOISE.sub("", text)
