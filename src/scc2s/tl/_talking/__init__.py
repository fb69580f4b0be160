"""Conversations about cells: who is asked, what is shown, and what the cells say of the answers."""
