"""The voter's side: what must happen on her own device."""
