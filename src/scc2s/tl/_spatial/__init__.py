"""Room of the tools that ask about cells of a tissue section: questions of yes or no, knowledge beside them, floors."""
