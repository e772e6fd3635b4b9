"""Engines: they agree on the order of entries and the time of blocks, with themselves or with others.

- :mod:`engine`       what an engine is to those who hand entries in
- :mod:`running`      the engine that a ledger's charter names
- :mod:`threaded`     what every engine is around the thread on which it makes its blocks
- :mod:`embedded`     one process, which agrees with itself
- :mod:`cometbft`     processes of independent institutions, of which over two thirds agree
- :mod:`following`    none of one's own: blocks that others made are executed anew
- :mod:`waiting`      what was handed in and has no answer yet
- :mod:`looking`      a look at entries before they come to a block
- :mod:`results`      searching for results, beside the blocks
- :mod:`publishing`   the log's key: how a ledger begins, and its heads are signed
- :mod:`place`        whether the folder is where its engine ran last, and no backup that was put back
- :mod:`loops`        loops for those who talk over sockets
- :mod:`inbox`        how other processes hand entries in
- :mod:`block_clock`  the times of blocks: this machine's clock, as long as it can be believed

The only place that reads a clock for the ledger. An engine drives a :class:`veche.ledger.ledger.Ledger` and decides nothing
that the rules decide: it imports the ledger and what is below, and no verifier, no one's role, no command line.
"""
