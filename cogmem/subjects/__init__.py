"""Who can take an experiment: recorded people, equations, networks."""
