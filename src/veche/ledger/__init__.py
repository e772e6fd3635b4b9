"""The ledger: what entries of the log say, which may be appended, and what follows from them. docs/protocol.md, sections 2 and 3.

From below; nothing imports what stands after it, and ``make check`` holds that:

- :mod:`codec`                          the one encoding of an entry
- :mod:`readable`                       what people can read, and can tell apart
- :mod:`shape`, :mod:`signing`          what its parts may look like, and who signed it
- :mod:`entries`                        what it says: a value a kind
- :mod:`signed_entry`, :mod:`block`     an entry that offices wrote, and the block that takes it
- :mod:`frame`                          what a log would hold if nobody had voted
- :mod:`life`                           the phases of a poll and of a committee
- :mod:`registrars`                     which registrars count in a poll
- :mod:`frozen_poll`, :mod:`group_sums`, :mod:`poll_state`   what is known of one poll: for good, and by now
- :mod:`heads`                          who signs the log's heads, and what a reader demands of one
- :mod:`promise`                        a validator's word that a ballot will be in a block
- :mod:`opening`                        what the shares of a closed poll open to, found beside the blocks
- :mod:`institutions`                   what the rules remember of who keeps the ledger: charter, offices, classes, validators
- :mod:`state`, :mod:`ownership`, :mod:`store`   all that the rules remember, in a database that is the node's own
- :mod:`guard`                          whether what a writer has on disk is what it wrote
- :mod:`recount`, :mod:`follower`       the ballots counted a second time, from the published bundles, beside the blocks
- :mod:`checks`                         what makes a ballot good and needs no state, for many ballots at once
- :mod:`rules`                          what may be appended: one file a kind
- :mod:`machine`                        the rules as one deterministic machine: no input or output, no clock, no randomness
- :mod:`ledger`                         the writer's folder: check, execute, commit or discard
- :mod:`following`                      blocks that others made, executed anew
- :mod:`walk`                           from the charter to those who sign the newest head, along those that were kept
- :mod:`publication`, :mod:`reader`     what everybody else gets of it, and how they read it

Whoever reads or writes entries needs :mod:`entries` and no rule. This package imports ballot, permit and log, and nothing above
itself: no engine, no verifier, no one's role.
"""
