"""The authorizer: takes queued REGISTERs to the sidecar and resumes them with its verdicts."""
