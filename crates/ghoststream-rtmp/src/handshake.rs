//! The handshake (RTMP 1.0, section 5.2): each side sends a version, a time with random bytes, and
//! what it got of the other's.

use crate::SessionError;

/// Length of C1, S1, C2 and S2.
const BLOCK: usize = 1536;

#[derive(Debug)]
pub(crate) struct Handshake {
    c1: Vec<u8>,
    got: Vec<u8>,
    answered: bool,
}

impl Handshake {
    /// With bytes that differ from session to session; no secret hangs on them.
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed | 1;
        let mut c1 = vec![0; 8];
        c1.resize_with(BLOCK, || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        Self { c1, got: Vec::new(), answered: false }
    }

    /// C0 and C1.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        out.push(3);
        out.extend(&self.c1);
    }

    /// Takes what came; answers S1 with C2. When S2 is there too, gives back what came after it.
    ///
    /// Whether S2 repeats C1 is not looked at: some servers send something else, and nobody minds.
    pub(crate) fn input(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<Vec<u8>>, SessionError> {
        self.got.extend(bytes);
        match self.got.first() {
            None | Some(3) => {}
            // The first byte of TLS' alert, or of its handshake (RFC 8446, section 5.1).
            Some(0x15 | 0x16) => return Err(SessionError::Protocol("it speaks TLS, which rtmps:// is for")),
            Some(_) => {
                return Err(SessionError::Protocol(
                    "its handshake is of another version, or it is another server",
                ));
            }
        }
        if !self.answered && self.got.len() > BLOCK {
            out.extend(&self.got[1..=BLOCK]);
            self.answered = true;
        }
        let all = 1 + 2 * BLOCK;
        Ok((self.got.len() >= all).then(|| self.got.split_off(all)))
    }
}
