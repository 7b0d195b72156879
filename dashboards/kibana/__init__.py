"""Kibana as code: a space, a data view, dashboards, a role that may only look, and rules.

    lens    panels from a few words: fields × figure → Lens state
    bundle  what the office gets, with fixed ids; NDJSON for the import API
    check   everything that can be known without a Kibana: references, fields, JSON inside JSON
    apply   brings a Kibana there; again and again with the same result

**Never run against a live Kibana**: none runs where this is built. What was done instead stands in
`docs/operations.md`. Risk levels, tasks and deadlines stand in the ledger, not in the documents, so Kibana cannot show
them; the board does.
"""
