"""What is in a mail: its parts, its text, what is quoted of others, whether a person wrote it.

Nothing in here raises, whatever it is given, and all of it is linear in the mail's length.
"""
