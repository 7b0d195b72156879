"""`python -m app`: the same as the command `minsheng`."""

from app.cli import main

main()
