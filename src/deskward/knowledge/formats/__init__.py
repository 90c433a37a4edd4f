"""Reading documents: what a file of any form says, in blocks under headings, cut into passages.

All of it runs in a child process with limits (`knowledge/parsing`), never in the desk's own.
"""
