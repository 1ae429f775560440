//! What libsrt knows of a connection.

use std::ffi::c_int;
use std::time::Duration;

/// `SRT_TRACEBSTATS` of libsrt 1.5, with the header's names; the tests in `header_tests.rs` compare the layout.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(non_snake_case)]
pub(crate) struct RawStats {
    pub(crate) msTimeStamp: i64,
    pub(crate) pktSentTotal: i64,
    pub(crate) pktRecvTotal: i64,
    pub(crate) pktSndLossTotal: c_int,
    pub(crate) pktRcvLossTotal: c_int,
    pub(crate) pktRetransTotal: c_int,
    pub(crate) pktSentACKTotal: c_int,
    pub(crate) pktRecvACKTotal: c_int,
    pub(crate) pktSentNAKTotal: c_int,
    pub(crate) pktRecvNAKTotal: c_int,
    pub(crate) usSndDurationTotal: i64,
    pub(crate) pktSndDropTotal: c_int,
    pub(crate) pktRcvDropTotal: c_int,
    pub(crate) pktRcvUndecryptTotal: c_int,
    pub(crate) byteSentTotal: u64,
    pub(crate) byteRecvTotal: u64,
    pub(crate) byteRcvLossTotal: u64,
    pub(crate) byteRetransTotal: u64,
    pub(crate) byteSndDropTotal: u64,
    pub(crate) byteRcvDropTotal: u64,
    pub(crate) byteRcvUndecryptTotal: u64,
    pub(crate) pktSent: i64,
    pub(crate) pktRecv: i64,
    pub(crate) pktSndLoss: c_int,
    pub(crate) pktRcvLoss: c_int,
    pub(crate) pktRetrans: c_int,
    pub(crate) pktRcvRetrans: c_int,
    pub(crate) pktSentACK: c_int,
    pub(crate) pktRecvACK: c_int,
    pub(crate) pktSentNAK: c_int,
    pub(crate) pktRecvNAK: c_int,
    pub(crate) mbpsSendRate: f64,
    pub(crate) mbpsRecvRate: f64,
    pub(crate) usSndDuration: i64,
    pub(crate) pktReorderDistance: c_int,
    pub(crate) pktRcvAvgBelatedTime: f64,
    pub(crate) pktRcvBelated: i64,
    pub(crate) pktSndDrop: c_int,
    pub(crate) pktRcvDrop: c_int,
    pub(crate) pktRcvUndecrypt: c_int,
    pub(crate) byteSent: u64,
    pub(crate) byteRecv: u64,
    pub(crate) byteRcvLoss: u64,
    pub(crate) byteRetrans: u64,
    pub(crate) byteSndDrop: u64,
    pub(crate) byteRcvDrop: u64,
    pub(crate) byteRcvUndecrypt: u64,
    pub(crate) usPktSndPeriod: f64,
    pub(crate) pktFlowWindow: c_int,
    pub(crate) pktCongestionWindow: c_int,
    pub(crate) pktFlightSize: c_int,
    pub(crate) msRTT: f64,
    pub(crate) mbpsBandwidth: f64,
    pub(crate) byteAvailSndBuf: c_int,
    pub(crate) byteAvailRcvBuf: c_int,
    pub(crate) mbpsMaxBW: f64,
    pub(crate) byteMSS: c_int,
    pub(crate) pktSndBuf: c_int,
    pub(crate) byteSndBuf: c_int,
    pub(crate) msSndBuf: c_int,
    pub(crate) msSndTsbPdDelay: c_int,
    pub(crate) pktRcvBuf: c_int,
    pub(crate) byteRcvBuf: c_int,
    pub(crate) msRcvBuf: c_int,
    pub(crate) msRcvTsbPdDelay: c_int,
    pub(crate) pktSndFilterExtraTotal: c_int,
    pub(crate) pktRcvFilterExtraTotal: c_int,
    pub(crate) pktRcvFilterSupplyTotal: c_int,
    pub(crate) pktRcvFilterLossTotal: c_int,
    pub(crate) pktSndFilterExtra: c_int,
    pub(crate) pktRcvFilterExtra: c_int,
    pub(crate) pktRcvFilterSupply: c_int,
    pub(crate) pktRcvFilterLoss: c_int,
    pub(crate) pktReorderTolerance: c_int,
    pub(crate) pktSentUniqueTotal: i64,
    pub(crate) pktRecvUniqueTotal: i64,
    pub(crate) byteSentUniqueTotal: u64,
    pub(crate) byteRecvUniqueTotal: u64,
    pub(crate) pktSentUnique: i64,
    pub(crate) pktRecvUnique: i64,
    pub(crate) byteSentUnique: u64,
    pub(crate) byteRecvUnique: u64,
    /// Newer releases of libsrt may add fields at the end, and write them whoever asks: their room.
    pub(crate) more: [[u64; 32]; 2],
}

/// A connection's statistics at one moment. Totals count from the connection's start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// The smoothed round trip time.
    pub rtt: Duration,
    /// The latency that the two sides agreed on: a packet that is under way for longer is of no use.
    pub latency: Duration,
    /// Packets that left, each once for each time that it left.
    pub sent_packets: u64,
    /// Bytes that left, each once, with the headers of UDP and SRT.
    pub sent_bytes: u64,
    /// Packets that the peer reported as lost.
    pub lost_packets: u64,
    /// Packets that were sent again.
    pub retransmitted_packets: u64,
    /// Packets that were given up by us because they would have come too late.
    pub dropped_packets: u64,
    /// Bytes of them.
    pub dropped_bytes: u64,
    /// Packets that the peer has not acknowledged, sent or not.
    pub unacknowledged_packets: u64,
    /// Bytes of them, with headers.
    pub unacknowledged_bytes: u64,
    /// From the first to the last of them.
    pub unacknowledged_span: Duration,
    /// What libsrt estimates that the path carries, in bit/s. It is rough.
    pub estimated_bandwidth: u64,
}

impl Stats {
    pub(crate) fn from_raw(raw: &RawStats) -> Self {
        let count = |value: c_int| u64::try_from(value).unwrap_or(0);
        let millis = |value: c_int| Duration::from_millis(count(value));
        Self {
            rtt: Duration::try_from_secs_f64(raw.msRTT / 1e3).unwrap_or_default(),
            latency: millis(raw.msSndTsbPdDelay),
            sent_packets: u64::try_from(raw.pktSentTotal).unwrap_or(0),
            sent_bytes: raw.byteSentUniqueTotal,
            lost_packets: count(raw.pktSndLossTotal),
            retransmitted_packets: count(raw.pktRetransTotal),
            dropped_packets: count(raw.pktSndDropTotal),
            dropped_bytes: raw.byteSndDropTotal,
            unacknowledged_packets: count(raw.pktSndBuf),
            unacknowledged_bytes: count(raw.byteSndBuf),
            unacknowledged_span: millis(raw.msSndBuf),
            estimated_bandwidth: (raw.mbpsBandwidth * 1e6).max(0.0) as u64,
        }
    }
}
