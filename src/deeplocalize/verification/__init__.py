"""Is it really: a finding is confirmed or refuted by training again, briefly, with and without the change."""
