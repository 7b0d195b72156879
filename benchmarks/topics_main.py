"""Which topic leads where a message lies in several: the one said most often, against the first in the configuration.

    PYTHONPATH=. python benchmarks/topics_main.py [DATA]

Judge: the class that a city gave its citizens' messages (泰迪杯 2020 C, seven classes), for topics of
`config/topics.toml` that lie within one or two of those classes.
"""

import os
import sys
from pathlib import Path

from analysis.corpora import read_table
from analysis.topics import TopicMatcher
from app.console import read_config

WITHIN = {
    "city-care": {"城乡建设"},
    "housing": {"城乡建设"},
    "utilities": {"城乡建设"},
    "rural": {"城乡建设"},
    "environment": {"环境保护"},
    "traffic": {"交通运输"},
    "education": {"教育文体"},
    "tourism": {"教育文体", "商贸旅游"},
    "wages": {"劳动和社会保障"},
    "labour": {"劳动和社会保障"},
    "social-security": {"劳动和社会保障"},
    "elderly": {"劳动和社会保障"},
    "health": {"卫生计生"},
    "food-drug": {"卫生计生", "商贸旅游"},
    "market": {"商贸旅游"},
    "finance": {"商贸旅游"},
    "tax": {"商贸旅游"},
}


def main(folder: Path) -> None:
    office = read_config(Path("config")).office
    rows = read_table(folder / "citizen_messages_7class.csv")
    place = {topic: number for number, topic in enumerate(office.topics)}
    texts = [f"{row['title']}\n{row['text']}" if row["title"] else row["text"] for row in rows]
    said = configured = judged = 0
    for row, hits in zip(rows, TopicMatcher(office).match(texts), strict=True):
        topics = [hit.id for hit in hits if hit.incident and hit.id in WITHIN]
        if len(topics) < 2:
            continue
        judged += 1
        said += row["label"] in WITHIN[topics[0]]
        configured += row["label"] in WITHIN[min(topics, key=place.__getitem__)]
    print(f"{judged} of {len(rows)} messages lie in several topics; the leading one fits the city's class:")
    print(f"said most often {said / judged:.3f}, first in the configuration {configured / judged:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MINSHENG_SHARED", "../shared") + "/data"))
