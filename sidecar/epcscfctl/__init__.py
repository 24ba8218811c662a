"""The operator's command line: a client of the admin services, nothing else."""
