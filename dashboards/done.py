"""What a page says after an action."""

from collections.abc import Mapping

#: the address carries the key, so only these sentences can appear
DONE: Mapping[str, str] = {
    "retried": "已放回队列，将重新处理。",
    "password": "密码已修改。",
    "search_saved": "检索已保存。",
    "search_gone": "检索已删除。",
    "token_gone": "令牌已吊销，使用它的系统将立即无法访问。",
    "session_gone": "会话已结束。",
    "pinned": "已人工定级，在撤销前以此为准。",
    "unpinned": "已撤销人工定级，下次评估时由系统重新定级。",
    "graded": "已保存事件等级与预警级别。",
    "merged": "两个事件已合并，编号保留较早的一个。",
    "split": "已拆分为新事件，等级将在下次评估时确定。",
    "false_alarm": "已标记为误报，事件已关闭；此判断已留作训练样本。",
    "closed": "事件已关闭。",
    "reopened": "事件已恢复，将重新评估。",
    "corrected": "更正已保存。",
    "undone": "更正已撤销。",
    "task": "操作已完成。",
    "polled": "已安排立即采集。",
    "ordered": "已提交编制，完成后在列表中显示。",
    "report.approve": "报告已审定，可以发送。",
    "report.sent": "已交付发送，送达情况见“发送情况”。",
    "user": "用户已保存。",
    "redispatch": "更正已保存。此事件的任务还在原单位，如需改派，请在下方确认。",
    "given": "已交班，等待接班人确认。",
    "taken": "已接班。",
    "silence_proposed": "静默申请已提交，须由另一人批准后生效。",
    "silence_approve": "静默已生效。",
    "silence_withdraw": "静默已结束，通知照常发送。",
    "gathered": "归并已保存。",
    "policy": "已保存。",
    "logged_out": "该用户的所有会话已结束。",
}
