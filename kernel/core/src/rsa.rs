//! Permits: RSA signatures (RSASSA-PSS, SHA-384, salt of 48 bytes, e = 65537), one at a time.
//!
//! RFC 9474 names the scheme RSABSSA-SHA384-PSS; to whoever checks, a blind signature is an ordinary one (RFC 8017).
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA384, RsaPublicKeyComponents};

const EXPONENT: [u8; 3] = [1, 0, 1];

/// Whether a signature holds. Under a malformed modulus (leading zero, even, under 2048 or over 8192 bits) none does.
pub fn holds(modulus: &[u8], message: &[u8], signature: &[u8]) -> bool {
    RsaPublicKeyComponents { n: modulus, e: &EXPONENT[..] }
        .verify(&RSA_PSS_2048_8192_SHA384, message, signature)
        .is_ok()
}
