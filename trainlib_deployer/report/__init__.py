"""What is told to people and to programs: one document a command, and its text."""
