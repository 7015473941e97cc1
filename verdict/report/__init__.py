"""A store as one page for whoever has never heard of Verdict: `verdict report`."""
