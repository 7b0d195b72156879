"""What speaks for or against one matter beside the words: the topic, and the named object."""

from analysis.events_index import Held
from analysis.events_words import Read

HELD = 0.2  #: share of an event's documents that must hold a word, name or topic for the event to have it
# Chosen on the sample town (B-cubed F1 .684 -> .849 in order of time) under the condition that the citizens' issues
# stay above .97 and the hashtag events above .55 with real assessments: .977 and .565.
_OTHER_TOPIC = 0.3
_NO_TOPIC = 0.8  #: only one of the two lies in a topic
_OTHER_OBJECT = {"小区": 0.4, "食堂": 0.4, "商家": 0.4, "学校": 0.02, "企业": 0.02}  #: another one by name
_HERE = 1.5  #: at the same place within hours, and no topic against it
_SAME = 2.0  #: the same topic at the same place
MOST = _SAME  #: the largest factor that anything here gives


def subject(doc: Read, held: Held, same_place: bool, here: bool) -> float:
    """Factor on the likeness: topics that differ speak against one matter, one topic at one place speaks for it,
    and so do one place and one hour."""
    counts = held.topics if isinstance(held.topics, dict) else dict.fromkeys(held.topics, 1)
    known = {topic for topic, n in counts.items() if n >= HELD * held.count}
    if doc.topics and known:
        if doc.topics & known:
            return _SAME if same_place else 1.0
        return _OTHER_TOPIC
    if here:
        return _HERE
    return _NO_TOPIC if doc.topics or known else 1.0


def known_places(held: Held) -> list[str]:
    """Where the event is: what a share of its documents names."""
    counts = held.places if isinstance(held.places, dict) else dict.fromkeys(held.places, 1)
    return [place for place, n in counts.items() if n >= HELD * held.count]


def other_object(doc: Read, held: Held) -> float:
    """Factor on the likeness: both name a school, an estate or a firm, and not the same one; 1 where they do not.

    A school or a firm is what a matter is about; an estate is often only where somebody lives.
    """
    if not doc.objects or not held.objects:
        return 1.0
    counts = held.objects if isinstance(held.objects, dict) else dict.fromkeys(held.objects, 1)
    known = {name for name, n in counts.items() if n >= HELD * held.count}
    kinds = {name.split()[0] for name in known}
    mine = {name for name in doc.objects if name.split()[0] in kinds}
    if not mine or mine & known:
        return 1.0
    return min(_OTHER_OBJECT[name.split()[0]] for name in mine)
