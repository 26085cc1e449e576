"""`python -m triptych` runs the command `triptych`."""

from triptych.cli import main

main()
