"""From the blocks of a container to the paragraphs of its text: head lines, controls and what follows the end go."""

import re
from collections.abc import Sequence

from crawlers.blocks import LEGAL, MARKS, STRONG, Block

_END = re.compile(
    r"^\W{0,3}(责任编辑|责编|延伸阅读|延伸.{0,2}推荐|相关阅读|相关新闻|相关报道|相关链接|相关推荐|相关内容|相关资讯|相关文章|推荐阅读|更多精彩|特别声明|免责声明|版权声明"
    r"|声明[：:]|扫一扫|扫描二维码|打印本页|关闭窗口|上一篇|下一篇|网友评论|最新评论|热门评论|精彩评论|全部评论|发表评论|评论\(?\d|分享到|分享至|阅读原文|猜你喜欢"
    r"|大家都在看|热门推荐|重点推荐|编辑推荐|精彩推荐|APP精彩|举报|延展阅读|往期回顾|未经授权|本文为.{0,12}原创|本网站?所有|转载请注明|欢迎关注|返回搜狐"
    r"|(回帖|跟帖|跟贴|网友回复|网友留言|全部回复|热门跟[帖贴]|更多视频|为[你您]推荐)\W{0,3}\d*\W*$"
    r"|文章关键词|关键词[：:]|标签[：:]|更多阅读|- ?THE END ?-|【?纠错】?$|自动播放)"
)
#: heading of a box of comments; it ends the text wherever it stands if what follows is answered, liked or dated
_COMMENTS = re.compile(
    r"\W{0,3}(?:网友|热门|精彩|最新|全部|用户|读者)?(?:评论|热议|留言|跟帖|热评|讨论)(?:区|列表)?\s*[(（]?\d*\s*条?[)）]?\W{0,2}"
)
_ANSWERED = re.compile(
    r"^(?:\d+\s*(?:秒|分钟|小时|天|月|年)前|(?:昨天|今天)?\s*\d{1,2}:\d\d|\d{1,2}-\d{1,2}).{0,24}$|^(?:回复|赞)\W{0,2}\d*$"
)
#: head of each post of a thread
_FLOOR = re.compile(r"^(?:发表于|回复于|发布于)\s*20\d\d[-/年]")
_TAIL = re.compile(
    r"^\W{0,3}签名[:：].{0,60}$|^\W{0,3}(责任编辑|责编|编辑|审核|校对|值班编辑|作者|来源|本文来源|文章来源|稿源|记者)\s*[:：丨|/].{0,40}$"
    r"|^[（(【\[].{0,25}(编辑|责编|来源|供稿).{0,25}[)）】\]]$"
)
_HEAD = re.compile(
    r"^\W{0,2}((发布|更新|发表|成文)?(时间|日期)\s*[:：]|来源|信息来源|文章来源|作者[:：]|字号|字体|浏览|阅读[:：]?\d|点击|访问|您?(现在|所在)?的?位置[:：]|当前位置|首页"
    r"|分享|打印|\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}日?.{0,9}\d{1,2}:\d\d|\d{4}-\d\d-\d\d$|\d{1,2}-\d{1,2}\s+\d{1,2}:\d\d|.{0,12}\d{1,3}\s*(分钟|小时)前\W*$|\[?(大|中|小)\b)"
)
#: a short line with day and clock and without a sentence, near the top: who published it, and when
_INFO = re.compile(
    r"(\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,2}[-/月]\d{1,2}|今天|昨天|前天)\s*日?[\s,，]{0,3}\d{1,2}\s*[:：]\s*\d\d"
)
_UI = re.compile(
    r"^\W*(您的浏览器.{0,30}|收藏|分享|点赞|打印|关闭|评论|举报|大|中|小|字号|更多|展开|收起|返回|首页|微信|微博|QQ空间|朋友圈|复制链接|取消|点击.{0,6}|下载.{0,8}|加载中.{0,3}"
    r"|播放|暂停|视频|图集|缩小.{0,4}|放大.{0,4}|全屏.{0,4}|滚动.{0,4}|赞|踩|\d+)\W*$"
)


def lines(blocks: Sequence[Block], title: str = "") -> list[str]:
    """Paragraphs of the text, in order."""
    kept = _before_end([b for b in blocks if not b.away])
    kept = [b for i, b in enumerate(kept) if _belongs(kept, i)]
    kept = _without_head(kept, title)
    kept = _without_strangers(kept)
    while kept and _TAIL.match(kept[-1].text):
        kept.pop()
    return [b.text for b in kept]


def _before_end(blocks: list[Block]) -> list[Block]:
    """Blocks before the first end marker that stands behind half of the text; earlier ones are only left out."""
    whole = sum(b.worth for b in blocks)
    seen = 0.0
    kept: list[Block] = []
    for index, block in enumerate(blocks):
        if seen and _others_speak(blocks, index):
            break
        if len(block.text) < 200 and _END.match(block.text):
            if seen and seen >= 0.5 * whole:
                break
            continue
        kept.append(block)
        seen += block.worth
    return kept


def _others_speak(blocks: list[Block], index: int) -> bool:
    """Whether comments, or the next post of a thread, begin here."""
    text = blocks[index].text
    if len(text) > 40:
        return False
    if _FLOOR.match(text):
        return sum(bool(_FLOOR.match(b.text)) for b in blocks) >= 2
    return bool(_COMMENTS.fullmatch(text)) and sum(bool(_ANSWERED.match(b.text)) for b in blocks[index + 1 :]) >= 2


def _belongs(blocks: list[Block], index: int) -> bool:
    block = blocks[index]
    text, size = block.text, len(block.text)
    if LEGAL.search(text) or _UI.match(text) or _TAIL.match(text):
        return False
    if block.links > 0.5 * size and not _alone(blocks, index):
        return False
    return not (size > 200 and len(MARKS.findall(text)) * 100 < size)


def _alone(blocks: list[Block], index: int) -> bool:
    """A linked line between two paragraphs is a linked heading; in a row of linked lines it is a list of others."""
    around = blocks[max(0, index - 1) : index] + blocks[index + 1 : index + 2]
    return len(around) == 2 and all(b.links <= 0.5 * len(b.text) and (b.worth or b.heading) for b in around)


def _without_head(blocks: list[Block], title: str) -> list[Block]:
    """Cut up to the last line near the top that is the title, the place in the site, or time and origin."""
    whole = sum(b.worth for b in blocks)
    lost, cut = 0.0, 0
    for index, block in enumerate(blocks[:12]):
        head = len(block.text) < 160 and bool(
            _HEAD.match(block.text) or _is_title(block.text, title) or _is_info(block.text)
        )
        lost += 0.0 if head else block.worth
        if lost > 0.1 * whole:
            break
        if head:
            cut = index + 1
    return blocks[cut:]


def _is_info(text: str) -> bool:
    return len(text) < 60 and not STRONG.search(text) and bool(_INFO.search(text))


def _is_title(text: str, title: str) -> bool:
    return len(title) > 5 and (
        text == title or (len(text) > 5 and text in title) or (title in text and len(text) < 2 * len(title))
    )


def _without_strangers(blocks: list[Block]) -> list[Block]:
    """Lines without a sentence behind the last paragraph stay (a signature, a date) only if they are its siblings."""
    last = next((i for i in range(len(blocks) - 1, -1, -1) if STRONG.search(blocks[i].text) and blocks[i].worth), -1)
    if last < 0:
        return blocks
    home = blocks[last].home
    family = {home, home.getparent()}
    tail = blocks[last + 1 :]
    return blocks[: last + 1] + [b for b in tail if (b.home in family or b.home.getparent() in family) and not b.links]
