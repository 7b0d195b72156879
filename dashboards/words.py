"""What codes are called on the pages."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

from alerts.transitions import ACTION_NAMES
from analysis.kinds import NAMES
from storage.types import Office, Role

KIND: Mapping[str, str] = {
    "news": "新闻",
    "government": "政府网站",
    "forum": "论坛",
    "social": "社交媒体",
    "message": "网民留言",
    "hotline": "12345热线",
    "reply": "官方答复",
    "hotlist": "热榜",
}
SENTIMENT: Mapping[str, str] = {"negative": "负面", "neutral": "中性", "positive": "正面"}
FACET: Mapping[str, str] = {
    "sentiment": "情感",
    "kind": "平台",
    "topic": "专题",
    "department": "责任部门",
    "area": "地点",
    "source": "信源",
    "text_kind": "诉求类型",
    "flag": "标记",
    "event": "事件",
    "keyword": "关键词",
}
TEXT_KIND: Mapping[str, str] = NAMES
FLAG: Mapping[str, str] = {
    "must.policy": "误读重大政策",
    "must.vital": "涉及切身利益",
    "must.moral": "冲击道德底线",
    "must.emergency": "突发事件",
    "must.superior": "上级要求回应",
    "rumour": "疑似谣言",
    "rumour.grave": "严重谣言",
    "advertisement": "广告",
    "casualty": "人员伤亡",
    "crowd": "人员聚集",
}
STATE: Mapping[str, str] = {
    "confirm": "待确认派单",
    "dispatched": "待签收",
    "signed": "已签收",
    "verifying": "核查中",
    "drafted": "已拟稿",
    "review": "审核中",
    "published": "已发布",
    "tracking": "跟踪中",
    "evaluated": "已评估",
    "closed": "已办结",
    "return_pending": "退件待裁定",
    "merged": "已并入",
}
STEP: Mapping[str, str] = {
    "sign": "签收",
    "reply": "回应",
    "press": "新闻发布会",
    "resolve": "办结",
    "adjudicate": "裁定",
    "review": "审核",
}
DEADLINE_KIND: Mapping[str, str] = {"statutory": "法定", "local": "地方规定", "internal": "内部时限"}
EVENT_STATUS: Mapping[str, str] = {"open": "进行中", "quiet": "趋于平息", "closed": "已关闭", "merged": "已合并"}
CAUSE: Mapping[str, str] = {
    "score": "评分变化",
    "floor": "触发底线规则",
    "cap": "触发封顶规则",
    "human": "人工定级",
    "plan": "预案触发",
    "freeze": "频繁波动，暂时冻结",
}
ROLE: Mapping[Role, str] = {
    "admin": "系统管理员",
    "officer": "舆情监测员",
    "reviewer": "审核员",
    "lead": "部门负责人",
    "staff": "部门经办人",
    "leader": "值班领导",
    "api": "接口",
}
TASK_ROLE: Mapping[str, str] = {"lead": "牵头", "support": "协办"}
SOURCE_STATE: Mapping[str, str] = {
    "ok": "正常",
    "slow": "未按时采集",
    "silent": "静默",
    "failing": "失败",
    "refused": "被拒绝",
    "expired": "凭据过期",
    "off": "未启用",
    "new": "待首采",
}
DELIVERY: Mapping[str, str] = {
    "pending": "待发送",
    "leased": "发送中",
    "ok": "已送达",
    "temp_fail": "待重试",
    "perm_fail": "发送失败",
    "unknown": "结果不明",
    "superseded": "已被取代",
    "suppressed": "已抑制",
    "dead": "已放弃",
}
CORRECTION: Mapping[str, str] = {
    "sentiment": "情感",
    "department": "责任部门",
    "ours": "是否涉及本地",
    "event": "所属事件",
    "false_alarm": "误报",
}
AUDIT: Mapping[str, str] = {
    **{f"task.{action}": name for action, name in ACTION_NAMES.items()},
    "task.create": "生成任务",
    "task.level": "任务等级调整",
    "task.clock": "任务时限调整",
    "task.title": "任务名称随事件更新",
    "alert.open": "发出预警",
    "alert.close": "解除预警",
    "documents.purge": "到期清理",
    "counts.mend": "更正计数",
    "search.save": "保存检索",
    "search.edit": "修改检索",
    "search.stop": "停止检索提醒",
    "search.delete": "删除检索",
    "search.tell": "检索提醒",
    "token.revoke": "吊销接口令牌",
    "channel.test": "试发通知渠道",
    "source.preview": "试取信源",
    "user.session": "结束用户会话",
    "intake.unpark": "重新处理搁置信息",
    "login": "登录",
    "login.fail": "登录失败",
    "logout": "退出",
    "user.password": "修改密码",
    "user.add": "新增用户",
    "user.disable": "停用用户",
    "user.enable": "启用用户",
    "user.link": "发放登录链接",
    "user.logout": "强制下线",
    "event.pin": "人工定级",
    "event.unpin": "撤销人工定级",
    "event.grade": "标注事件等级",
    "event.rename": "修改事件名称",
    "event.merge": "合并事件",
    "event.split": "拆分事件",
    "event.false_alarm": "标记误报",
    "event.close": "关闭事件",
    "event.reopen": "恢复事件",
    "document.correct": "更正研判",
    "document.undo": "撤销更正",
    "documents.export": "导出信息",
    "documents.push": "接口推送",
    "source.poll": "立即采集",
    "report.order": "提交编制报告",
    "report.register": "编制报告",
    "report.approve": "审定报告",
    "report.sent": "发送报告",
    "report.download": "下载报告",
    "lists.export": "导出列表",
    "token.add": "新增接口令牌",
    "silence.propose": "申请静默",
    "silence.approve": "批准静默",
    "silence.withdraw": "撤销静默",
    "silence.end": "静默随事件结束",
    "event.cover": "归并到上级事件",
    "event.export": "导出台账",
    "effect.export": "导出部门数据",
    "replies.export": "导出答复登记",
    "duty.give": "交班",
    "duty.take": "接班",
    "policy.register": "登记政策",
    "policy.assess": "填写舆情风险评估",
    "policy.consult": "登记征求意见",
    "policy.plan": "修订应对处置预案",
    "policy.approve": "审签",
    "policy.release": "政策发布",
    "policy.publish": "登记发布时间",
    "policy.withdraw": "撤回政策草案",
    "policy.link": "认定为政策相关事件",
}
#: levels that have a colour of their own on the pages; others take one by their rank from the top
COLOURS = ("red", "orange", "yellow", "blue")


def level_class(office: Office, level: int) -> str:
    """The style class of a level's rank: `lv-red` …, `lv-none` for 0."""
    if not 0 < level <= len(office.levels):
        return "lv-none"
    rule = office.levels[level - 1]
    if rule.id in COLOURS:
        return f"lv-{rule.id}"
    return f"lv-{COLOURS[min(len(office.levels) - level, len(COLOURS) - 1)]}"


def moment(at: datetime | None, now: datetime, zone: tzinfo) -> str:
    """「今天 08:30」「11-24 08:30」「2025-11-24 08:30」 in the office's own time; 「—」 for None."""
    if at is None:
        return "—"
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"今天 {local:%H:%M}"
    if local.date() == today.date() - timedelta(days=1):
        return f"昨天 {local:%H:%M}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def span(seconds: float) -> str:
    """「3天4小时」「2小时5分」「8分」「不到1分」 for a length of time ≥ 0."""
    minutes = int(seconds // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days}天{hours}小时" if hours and days < 10 else f"{days}天"
    if hours:
        return f"{hours}小时{minutes}分" if minutes else f"{hours}小时"
    return f"{minutes}分" if minutes else "不到1分"


def remaining(due: datetime, now: datetime) -> str:
    """「剩余 2小时5分」 or 「已超期 8分」."""
    seconds = (due - now).total_seconds()
    return f"剩余 {span(seconds)}" if seconds >= 0 else f"已超期 {span(-seconds)}"


def web_address(url: str | None) -> str | None:
    """The address if a browser may be sent there, else None: `javascript:` and the like never become a link."""
    if not url or len(url) > 2000:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme.lower() in {"http", "https"} and parts.hostname else None


def place_name(office: Office, place: str | None) -> str:
    """A place's name, or the code itself where the gazetteer does not know it."""
    if not place:
        return "地点不明"
    return office.places[place].name if place in office.places else place


def topic_name(office: Office, topic: str | None) -> str:
    """A topic's name, 「未分类」 where there is none."""
    if not topic:
        return "未分类"
    return office.topics[topic].name if topic in office.topics else topic


def department_name(office: Office, department: str | None) -> str:
    """A department's short name, or the code itself."""
    if not department:
        return "—"
    row = office.departments.get(department)
    return (row.short or row.name) if row else department
