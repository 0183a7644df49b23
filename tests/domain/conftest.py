"""Settings of property tests: a slow machine is no failure; for each mutant a few examples, always the same."""

from hypothesis import HealthCheck, settings

settings.register_profile("slow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("mutants", settings.get_profile("slow"), max_examples=15, derandomize=True, database=None)
settings.load_profile("slow")
