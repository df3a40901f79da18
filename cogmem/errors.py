"""The one exception class for what a user must put right."""


class UserError(ValueError):
    """Raised when the input, not the code, is wrong: one sentence with what came, what is needed and what to do.

    The command line prints the message and ends with exit code 2, without a traceback.
    """
