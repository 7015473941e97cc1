"""Stores of answers: one SQLite file for a batch, a night, a team. `verdict.Store` opens one."""
