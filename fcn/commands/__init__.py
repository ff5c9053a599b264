"""The verbs of the command line, one file each: `words` says what may be asked.

What a verb needs is imported when it is done, not before: torch takes seconds, and help should come at once.
"""
