"""The bottom of the house: the types that every stage shares, and the only code that knows a database."""
