"""The lab: a small, real IMS core on one machine, for `make run`, tests and benchmarks.

Kamailio plays I-CSCF and S-CSCF, a Diameter Cx HSS runs in the calling process. Nothing in
here is part of what an operator installs. See README.md beside this file.
"""
