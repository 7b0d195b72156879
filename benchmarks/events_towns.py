"""Made-up towns with known incidents: what is caught, how early, how many false alarms; the spread over seeds.

    PYTHONPATH=.:tests python benchmarks/events_towns.py [seeds: 10] [first seed: 1] [posts a day: 60]

Each town talks for fourteen days with one red, two orange, three yellow and four blue incidents, a holiday, and a site
that cannot be reached for six hours. Faults were looked for on seeds among 1 to 12: give a
first seed beyond them for fresh towns. Printed per town: red and orange
incidents caught, false orange or red per week, median lead before the peak of the slow ones (hours), median delay of
the fast ones (minutes), B-cubed F1 of the grouping; then the same over all incidents; then the speed of both halves.
"""

import random
import sys
import time
from datetime import datetime, timedelta, timezone
from statistics import median

from events_grouping import b_cubed
from small_office import small_office

from app.replay_prepared import Prepared, prepare
from app.replay_run import by_event, run
from app.replay_truth import judge
from app.townstream import TownStream, town_stream

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
OFFICE = small_office()


def town(seed: int, chatter: int) -> TownStream:
    begin = random.Random(seed).uniform(24, 280)
    holiday = (START + timedelta(days=3)).date()
    return town_stream(seed=seed, start=START, days=14, chatter=chatter, outage=(begin, begin + 6), holidays=(holiday,))


def grouping(stream: TownStream, prepared: Prepared) -> float:
    gold = {d: i.id for i in stream.incidents for d in i.documents}
    found = {a.member.document: a.member.event for a in prepared.arrivals}
    return b_cubed(gold, {d: found[d] for d in gold}).f1


def main() -> None:
    seeds, first, chatter = (int(v) for v in (*sys.argv[1:], *("10", "1", "60")[len(sys.argv) - 1 :]))
    leads, delays, caught, due, false, weeks = [], [], 0, 0, 0, 0.0
    slow_cpu = fast_cpu = 0.0
    documents = 0
    for seed in range(first, first + seeds):
        stream = town(seed, chatter)
        began = time.process_time()
        prepared = prepare(stream.documents, OFFICE)
        slow_cpu += time.process_time() - began
        began = time.process_time()
        made = run(prepared, OFFICE)
        fast_cpu += time.process_time() - began
        documents += len(stream.documents)
        members = {e: [a.member.document for a in rows] for e, rows in by_event(prepared).items()}
        judged = judge(made, members, stream.incidents, OFFICE)
        own_leads, own_delays = [], []
        for i in stream.incidents:
            level = OFFICE.level(i.level)
            at = judged.reached.get(i.id, {}).get(level)
            if level < 3 or at is None:
                continue
            if i.fast:
                own_delays.append((at - i.due_at) / timedelta(minutes=1))
            else:
                own_leads.append((i.peak_at - at) / timedelta(hours=1))
        high = sum(OFFICE.level(i.level) >= 3 for i in stream.incidents)
        got = high - len(judged.missed)
        print(
            f"seed {seed:>3}  caught {got}/{high}  false a week {len(judged.false) / 2:.1f}  "
            f"slow lead {median(own_leads) if own_leads else float('nan'):5.1f} h  "
            f"fast delay {median(own_delays) if own_delays else float('nan'):6.1f} min  "
            f"B-cubed {grouping(stream, prepared):.3f}"
            + "".join(f"\n      missed {line}" for line in judged.missed)
        )  # fmt: skip
        leads, delays = leads + own_leads, delays + own_delays
        caught, due, false, weeks = caught + got, due + high, false + len(judged.false), weeks + 2
    print(
        f"all      caught {caught}/{due}  false a week {false / weeks:.2f}  "
        f"slow lead {median(leads):.1f} h of {len(leads)}  fast delay {median(delays):.1f} min of {len(delays)}"
    )
    print(
        f"speed    understood and grouped {documents / slow_cpu:,.0f} a CPU second, graded {documents / fast_cpu:,.0f}"
    )


if __name__ == "__main__":
    main()
