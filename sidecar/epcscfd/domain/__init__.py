"""What the eP-CSCF decides, and by which rules. Pure: no clock, no I/O, no wire."""
