"""The engine that agrees with others: CometBFT in a process beside ours, which asks what its blocks mean.

- :mod:`abci_pb2`   the messages of ABCI 2.0, as classes; written by cometbft/protos.py from ``abci.proto``
- :mod:`server`     asked over a socket: frames, and answers in order
"""
