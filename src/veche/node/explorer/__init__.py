"""The explorer: the ledger of a node as pages for a browser, on the node's door.

- :mod:`index`  what pages have to find in the log: blocks, and ballots by their codes
- :mod:`view`   the ledger as pages show it, under the published head
- :mod:`pages`  the pages as HTML
- :mod:`door`   what is answered over HTTP, and what is kept so that it is not made anew for each who asks

Pages need no script; ``static/explorer.js`` makes them live, and looks for words of a code without sending them.
"""
