"""The one exception for what a person can cause."""


class UserError(Exception):
    """A sentence for the person: what was wrong and what was expected (`message`), what to do about it (`hint`)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


def quoted(value: object, longest: int = 60) -> str:
    """A value as it is shown inside an error: on one line, and never longer than `longest` characters."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest - 4]}…{text[-3:]}"
