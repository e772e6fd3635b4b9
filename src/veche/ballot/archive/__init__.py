"""Belenios archives (.bel), in and out."""
