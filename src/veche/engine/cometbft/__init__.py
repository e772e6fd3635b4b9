"""The engine that agrees with others: CometBFT in a process beside ours, which asks what its blocks mean.

- :mod:`engine`       the two processes as one engine
- :mod:`application`  what blocks mean: ABCI's calls, answered by the four calls of a ledger
- :mod:`finality`     heads: cosigned here, gathered from the others, final with over two thirds
- :mod:`server`       asked over a socket: frames, and answers in order
- :mod:`launch`       how CometBFT is run here: its program, where it listens, who signs its votes
- :mod:`process`      CometBFT's process: started, watched, ended
- :mod:`votes`        who voted for two blocks of one height: the votes, taken out of a block, and how anybody checks them
- :mod:`begin`        CometBFT begun in the midst of a chain, without the blocks before
- :mod:`home`         CometBFT's folder: genesis, settings, keys
- :mod:`abci_pb2`     the messages of ABCI 2.0, as classes; written by cometbft/protos.py from ``abci.proto``

docs/adr/0018-engine-over-cometbft.md says why it is so.
"""
