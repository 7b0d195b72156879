"""Counts as boards and exports print them."""


def number(text: str | None) -> int | None:
    """A count as boards print it: "1,204", "3.4万"; None where there is none."""
    digits = (text or "").replace(",", "").strip()
    factor = 10_000 if digits.endswith(("万", "w", "W")) else 1
    try:
        value = float(digits.rstrip("万wW"))
    except ValueError:
        return None
    return round(value * factor) if 0 <= value < 1e12 else None
