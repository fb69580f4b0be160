"""From cells to prompts, and from answers to labels."""
