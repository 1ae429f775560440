//! Which connection a packet belongs to, and those that got stuck.

use std::collections::HashSet;

/// Both addresses and both ports, the lower side first: the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flow([[u8; 6]; 2]);

impl Flow {
    /// Of a packet of IPv4 (RFC 791) with TCP in it.
    fn of(packet: &[u8]) -> Option<Self> {
        if i32::from(*packet.get(9)?) != libc::IPPROTO_TCP {
            return None;
        }
        let ports = usize::from(packet.first()? & 15) * 4;
        let end = |address: usize, port: usize| {
            let [a, b, c, d] = *packet.get(address..)?.first_chunk()?;
            let [e, f] = *packet.get(port..)?.first_chunk()?;
            Some([a, b, c, d, e, f])
        };
        let mut ends = [end(12, ports)?, end(16, ports + 2)?];
        ends.sort_unstable();
        Some(Self(ends))
    }
}

/// The connections that were seen, and those that are stuck.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    known: HashSet<Flow>,
    stuck: HashSet<Flow>,
}

impl Flows {
    /// Of all that are known no data is let through any more.
    pub(crate) fn stall(&mut self) {
        self.stuck.extend(self.known.drain());
    }

    /// Whether this packet is let through.
    pub(crate) fn passes(&mut self, packet: &[u8]) -> bool {
        let Some(flow) = Flow::of(packet) else { return true };
        let passes = !self.stuck.contains(&flow) || !has_data(packet);
        if passes {
            self.known.insert(flow);
        }
        passes
    }
}

/// Whether a packet of TCP has any (RFC 9293, section 3.1).
fn has_data(packet: &[u8]) -> bool {
    let byte = |at: usize| usize::from(packet.get(at).copied().unwrap_or(0));
    let ip = (byte(0) & 15) * 4;
    packet.len() > ip + (byte(ip + 12) >> 4) * 4
}
