"""A small made-up office for tests: four levels, eight units, four topics, a handful of places."""

from storage.types import (
    Department,
    DutyRule,
    LevelRule,
    LimitRule,
    Office,
    Place,
    Recipient,
    RiskSettings,
    Route,
    RouteMatch,
    Topic,
)

LEVELS = (
    LevelRule(id="blue", name="Ⅳ级（蓝色）", word="蓝色", threshold=20, sign_workhours=True, reminders=(90,)),
    LevelRule(
        id="yellow",
        name="Ⅲ级（黄色）",
        word="黄色",
        threshold=40,
        sign_minutes=120,
        group_wait_seconds=60,
        repeat_minutes=120,
        return_minutes=120,
        adjudicate_minutes=120,
        rearm_minutes=480,
        reply_hours=24,
        escalation=((240, "department-head"), (480, "duty-officer")),
    ),
    LevelRule(
        id="orange",
        name="Ⅱ级（橙色）",
        word="橙色",
        threshold=60,
        urgent=True,
        sign_minutes=30,
        group_wait_seconds=0,
        repeat_minutes=30,
        return_minutes=30,
        adjudicate_minutes=30,
        rearm_minutes=120,
        reply_hours=24,
        escalation=((45, "department-head"), (90, "deputy-mayor")),
        reminders=(50, 75, 90),
    ),
    LevelRule(
        id="red",
        name="Ⅰ级（红色）",
        word="红色",
        threshold=80,
        urgent=True,
        sign_minutes=10,
        group_wait_seconds=0,
        repeat_minutes=10,
        return_minutes=10,
        adjudicate_minutes=15,
        rearm_minutes=30,
        reply_hours=24,
        escalation=((0, "duty-officer"), (15, "deputy-mayor"), (30, "mayor")),
        reminders=(50, 75, 90),
    ),
)

DEPARTMENTS = {
    d.id: d
    for d in (
        Department(id="zfb", name="政府办公室", type="office", aliases=("政府办",), channels=("mail",)),
        Department(id="wxb", name="网信办", type="office", channels=("mail",)),
        Department(
            id="scjg",
            name="市场监督管理局",
            short="市监局",
            aliases=("市场监管局", "市监局"),
            channels=("mail", "hook"),
            email="scjg@example.invalid",
        ),
        Department(id="sthj", name="生态环境分局", short="生态环境", aliases=("环保局",), channels=("mail",)),
        Department(id="jyj", name="教育局", short="教育局", channels=("mail",)),
        Department(id="swj", name="税务局", vertical=True, superior="zfb", channels=("mail",)),
        Department(
            id="beiyuan", name="北苑街道办事处", short="北苑街道", type="town", area="beiyuan", channels=("mail",)
        ),
        Department(id="fotang", name="佛堂镇人民政府", short="佛堂镇", type="town", area="fotang", channels=("mail",)),
    )
}

TOPICS = {
    t.id: t
    for t in (
        Topic(
            id="food-drug",
            name="食品药品",
            sensitivity=0.9,
            seed=True,
            departments=("scjg",),
            rule="食品安全 | 过期 | 变质 | 吃坏肚子 | 食物中毒 | 假药",
            exclude="演练 | 招聘 | 宣传活动",
            exclude_reason="演练、招聘或宣传，不是事件",
            rules=(DutyRule(when="学校 | 食堂 | 幼儿园", departments=("jyj", "scjg"), basis="派单目录 2.3"),),
        ),
        Topic(
            id="environment",
            name="生态环境",
            sensitivity=0.5,
            seed=True,
            departments=("sthj",),
            rule="污水 | 异味 | 黑烟 | 噪音 | 噪声 | 排污",
            exclude="演练 | 招聘",
        ),
        Topic(
            id="education",
            name="教育改革",
            sensitivity=0.6,
            seed=True,
            departments=("jyj",),
            rule="入学 | 学区 | 补课 | 学费",
        ),
        Topic(id="tax", name="减税降费", sensitivity=0.4, seed=True, departments=("swj",), rule="减税 | 降费 | 退税"),
    )
}

PLACES = {
    p.id: p
    for p in (
        Place(id="yiwu", name="义乌市", type="city", aliases=("义乌",)),
        Place(id="beiyuan", name="北苑街道", type="town", parent="yiwu", aliases=("北苑",)),
        Place(id="fotang", name="佛堂镇", type="town", parent="yiwu", aliases=("佛堂",)),
        Place(id="wuai-road", name="五爱路", type="road", parent="beiyuan", elsewhere=("沈阳", "济南")),
        Place(id="hangzhou", name="杭州", type="city", ours=False),
    )
}

ROUTES = (
    Route(id="tax-vertical", match=RouteMatch(topics=("tax",)), rule="R3", lead="@catalogue", support=("zfb",)),
    Route(
        id="food-high",
        match=RouteMatch(topics=("food-drug",), level_from="orange"),
        rule="R2",
        lead="@catalogue",
        support=("@place",),
        copies=("wxb",),
    ),
    Route(id="default", rule="R2", lead="@catalogue", support=()),
)

LIMITS = (
    LimitRule(
        id="5h",
        step="reply",
        kind="statutory",
        basis="国办发〔2016〕80号",
        text="5小时内发布权威信息",
        hours=5,
        incident_grades=("特别重大", "重大"),
    ),
    LimitRule(
        id="24h-press",
        step="press",
        kind="statutory",
        basis="国办发〔2016〕61号",
        text="24小时内举行新闻发布会",
        hours=24,
        incident_grades=("特别重大", "重大"),
    ),
    LimitRule(
        id="48h",
        step="reply",
        kind="statutory",
        basis="国办发〔2016〕61号",
        text="48小时内予以回应",
        hours=48,
        level_from="blue",
    ),
    LimitRule(
        id="hotline",
        step="resolve",
        kind="local",
        basis="12345热线办理规定",
        text="5个工作日内办结",
        workdays=5,
        kinds=("hotline", "message"),
    ),
)

RECIPIENTS = {
    r.id: r
    for r in (
        Recipient(id="duty-officer", name="政府办值班室", channels=("mail",), email="duty@example.invalid"),
        Recipient(id="department-head", name="部门负责人", channels=("mail",), email="head@example.invalid"),
        Recipient(id="deputy-mayor", name="分管市领导", channels=("mail",), email="deputy@example.invalid"),
        Recipient(id="mayor", name="主要领导", channels=("mail",), email="mayor@example.invalid"),
    )
}

CHANNELS: dict[str, dict[str, object]] = {
    "mail": {"kind": "mail", "host": "127.0.0.1", "port": 2525, "sender": "minsheng@example.invalid"},
    "hook": {"kind": "webhook", "url": "http://127.0.0.1:9/hook"},
}


def small_office() -> Office:
    """The office above, fresh each time."""
    return Office(
        name="示例市人民政府办公室",
        city="示例市",
        home="yiwu",
        levels=LEVELS,
        departments=DEPARTMENTS,
        topics=TOPICS,
        places=PLACES,
        routes=ROUTES,
        limits=LIMITS,
        recipients=RECIPIENTS,
        sources={},
        calendar=(),
        risk=RiskSettings(
            floors={
                "grade.特别重大": "red",
                "grade.重大": "orange",
                "must.superior": "yellow",
                "must.moral": "yellow",
                "rumour.grave": "orange",
            },
            caps={"foreign": "blue", "single": "blue", "advertisement": "blue"},
            source_factor={"news": 3, "government": 2, "forum": 1, "social": 1, "message": 2, "hotline": 2},
        ),
        channels=CHANNELS,
        version="small",
    )
