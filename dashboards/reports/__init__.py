"""Reports: gathered from the ports as a small tree, then written as HTML, docx, xlsx or PDF.

facts (daily … ledger_of) ─→ Report ─ writers.WRITERS[format] ─→ file          issues: number, keep, approve
"""
