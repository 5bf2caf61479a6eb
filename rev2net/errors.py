"""The one exception that means "the person can mend this": shown as one line, exit code 2."""


class UserError(Exception):
    """Bad usage or bad input.

    The message is a single line that names the file or key, the value found and what is allowed.
    Everything else that is raised is a programming error and keeps its traceback.
    """
