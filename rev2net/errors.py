"""The exceptions that mean "a person can mend this": shown as one line."""


class UserError(Exception):
    """Bad usage or bad input: exit code 2.

    The message is a single line that names the file or key, the value found and what is allowed.
    Everything else that is raised is a programming error and keeps its traceback, except:
    """


class MachineError(Exception):
    """The machine's trouble and not the input's (no memory, a killed process): exit code 1.

    The message is a single line, as of UserError. The same command may well succeed later, or
    elsewhere; nothing is written down about the input.
    """
