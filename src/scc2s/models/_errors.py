from __future__ import annotations


class PartialAnswersError(ConnectionError):
    """Some prompts got no answer. Those that did are here, and in the cache where there is one.

    Parameters
    ----------
    message
        What went wrong.
    answers
        An answer for each prompt, ``None`` where there is none.
    """

    def __init__(self, message: str, answers: list[str | None]) -> None:
        super().__init__(message)
        self.answers = answers

    @property
    def failed(self) -> list[int]:
        """Numbers of the prompts without an answer."""
        return [i for i, answer in enumerate(self.answers) if answer is None]
