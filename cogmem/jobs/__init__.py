"""Main jobs: everything a paradigm's comparison shows, computed once for the command line, the app and the figure."""
