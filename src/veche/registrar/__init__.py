"""The registrar: who may vote, and one permit each."""
