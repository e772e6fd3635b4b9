"""Verification: a ledger, a receipt or an archive, checked from its bytes. docs/protocol.md, section 6.

- :mod:`ledger`         steps L1 to L10: ``verify_ledger``, out of a source of files
- :mod:`replay`         a second state machine, driven through the log's entries: L4 to L7
- :mod:`framed`         a ledger as far as its frame goes: everything but the ballots
- :mod:`rebuild`        a node's database, made anew from the public files
- :mod:`restarting`     a copy led to the block behind which its network is restarted, and on
- :mod:`witnesses`      L9: the heads that witnesses cosigned, and for how much of a ledger a quorum of them vouches
- :mod:`receipt`        step R: a receipt, compared with a verified ledger
- :mod:`promise`        what became of a validator's promise
- :mod:`votes`          two votes of a validator for two blocks of one height
- :mod:`archive`        steps A1 to A10: ``verify_archive``, whoever made it
- :mod:`binding`        steps B1 to B4: the file beside an archive, with the binding proofs
- :mod:`export`         out of a verified ledger: a poll as an archive, and that file
- :mod:`view`           a verified ledger as a trustee's program wants to see it
- :mod:`report`, :mod:`poll_report`, :mod:`poll_warnings`, :mod:`percents`   what it says, as plain values
- :mod:`compare`        two copies of a ledger: equal, one longer, or contradicting each other
- :mod:`poll_view`, :mod:`poll_words`   what the state alone says of a poll, and the words for it
- :mod:`known`          what a report needs of a ledger that was checked
- :mod:`entry_words`, :mod:`entry_whole`   an entry in a line, and all that it says
- :mod:`values`, :mod:`result_csv`      the same for scripts, and for spreadsheets
- :mod:`due`            what is due, of whom, and until when: what ``veche due`` shows and the roles' programs do
- :mod:`dangers`   what is allowed in a poll or a charter, and may go wrong with it
- :mod:`charter_words`  what the numbers of a charter mean, in plain sentences
- :mod:`page`           the same as a page of HTML

Each verifier raises :class:`~veche.errors.DoesNotHold` with the first step that does not hold; what it returns was verified.
It believes no verdict of the program that wrote the ledger, and imports no one's role and not the command line.
"""
