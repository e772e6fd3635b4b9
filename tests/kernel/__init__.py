"""The Rust kernel, compared with libsodium, with Debian's belenios-tool and with itself."""
