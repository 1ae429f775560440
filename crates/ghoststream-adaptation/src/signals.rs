//! What is known of the path to a peer.

use std::time::Duration;

/// What is known of the path to a peer at one moment.
///
/// Totals only grow while a connection lasts, and begin anew with the next. A transport fills in what
/// it knows, and leaves the rest as it is by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signals {
    /// How long the oldest packet has waited in the output's own queue.
    pub queue_age: Duration,
    /// Bytes in the output's own queue.
    pub queue_bytes: u64,
    /// Bytes that the transport has taken, and of which it does not know that the peer has them.
    pub unacknowledged_bytes: u64,
    /// Bytes that the peer has, in all, in order or not; where the transport does not tell, those
    /// that left.
    pub delivered_bytes: u64,
    /// Bytes a second that got through last when more was sent than usual, a large picture say: the
    /// path carries at least that.
    pub burst_rate: Option<u64>,
    /// The smoothed round trip time.
    pub rtt: Option<Duration>,
    /// Packets of the transport that were lost, in all.
    pub lost: u64,
    /// Packets of the transport that were sent, in all, those that were sent again included.
    pub sent: u64,
    /// Whether pictures were lost for good, and those that come now are of no use before a key picture.
    pub needs_key_picture: bool,
    /// How long a packet may be under way before it is of no use to the peer (SRT's latency); `None`
    /// where what is late is still shown.
    pub latency: Option<Duration>,
}
