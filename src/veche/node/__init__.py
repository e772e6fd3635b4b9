"""A node: a ledger's engine with a door to the world. It takes entries in over HTTP, keeps them until they are in a block, and serves
the ledger's public files.

- :mod:`progress`  what becomes of an entry on its way, and how that is said
- :mod:`outbox`    what was taken in and is in no block yet: on disk, before anybody is told so
- :mod:`intake`    entries on their way, from the door to a final head
- :mod:`batch`     how validators pass entries on together
- :mod:`peers`     the other validators of a network: entries passed on to them, and heads
- :mod:`published` the ledger's public files, and receipts made from them
- :mod:`web`       the public files of somebody else's node, over HTTP
- :mod:`tlog_witness`   a witness from outside of the ledger, asked to cosign a head
- :mod:`witnessing`     the heads that are published, handed to such witnesses
- :mod:`cosigned`  what the ledger's own witnesses cosigned, taken in from anybody
- :mod:`handing`   entries handed in at somebody else's door
- :mod:`pieces`    which piece of a log is asked of whom next, while it is copied
- :mod:`fetching`  the pieces on their way into a folder, from all who have some
- :mod:`copying`   another's ledger made one's own: fetched, checked from the head down, executed while it comes
- :mod:`frames`    all that is no ballot, kept for whoever takes it first
- :mod:`framing`   the same taken from somebody else's node
- :mod:`early`     the door of a node whose ballots are on their way: pages of what is here already
- :mod:`chain`     what CometBFT knows of its chain, for those who join
- :mod:`joining`   a node that lacks the log or CometBFT's blocks, before it runs
- :mod:`newest`    whether anybody has more than an engine that is about to sign
- :mod:`explorer`  the ledger as pages for a browser
- :mod:`dashboard` how a citizen's node stands, as a page for its person
- :mod:`expecting` what a request may expect
- :mod:`addresses` where other nodes are, and whom to ask next
- :mod:`heads`     every signed head that is heard of, held against the log that is here
- :mod:`neighbours`   the nodes that a follower asks
- :mod:`attachments`  the files that entries name, fetched from others
- :mod:`carrying`  what a follower does with entries that it took in
- :mod:`follower`  a citizen's node: it follows a ledger that others keep
- :mod:`metrics`   what a node says of itself to whoever watches over it
- :mod:`api`       what is answered over HTTP
- :mod:`listener`  where somebody may ask over HTTP, and how many may at a time
- :mod:`service`   all of it on a thread and a loop of its own, beside the engine's
- :mod:`node`      an engine with its door, as one program

The engine's thread owns the ledger. What is here hands entries in to it (``Engine.submit``), is told of blocks (``Engine.watch``), and
otherwise sees what everybody sees.
"""
