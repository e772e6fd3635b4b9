"""How a citizen's node stands: a value, what is made of it, and a page on loopback for the person whose node it is. docs/adr/0030-dashboard.md.

- :mod:`facts`     what is known of a node at one moment
- :mod:`standing`  what follows from that: one of three moods, and sentences, for the terminal and the page alike
- :mod:`diary`     what happened, and what is remembered of other nodes, over restarts
- :mod:`gather`    the facts, from a ledger's folder
- :mod:`watch`     the same of a node that runs in this process; it keeps the diary
- :mod:`ring`      the nodes as a chart
- :mod:`pages`     the page
- :mod:`door`      how its person's browser gets at it, and nobody else's
"""
