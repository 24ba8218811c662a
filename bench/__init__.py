"""How much an eP-CSCF carries, as ratios to a Kamailio that does the least.

    python -m bench --help

Everything runs on this machine and on loopback. See README.md beside this file.
"""
