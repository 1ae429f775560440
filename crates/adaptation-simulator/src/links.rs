//! The links on which thresholds are chosen.

use crate::link::Link;
use crate::random::Random;

/// A link as a seed makes it; most are the same with any.
pub type Make = fn(u64) -> Link;

/// Every link that thresholds may be chosen on.
pub const TUNED: &[Make] = &[
    |_| constant(5000.0),
    |_| step(),
    |_| ramp(),
    |_| sawtooth(),
    |seed| cellular(seed + 6),
    |_| bufferbloat(),
    |_| loss_bursts(),
    |_| stall(),
    |seed| busy_peer(seed),
    |_| dips(),
    |_| waves(),
    |_| falls(),
    |_| short_cuts(),
];

/// A rate that never changes.
pub fn constant(kbps: f64) -> Link {
    Link::new("constant", 120, |_| kbps)
}

/// Enough, then half, then enough again.
pub fn step() -> Link {
    Link::new("step", 180, |at| if (40.0..100.0).contains(&at) { 3000.0 } else { 9000.0 })
}

/// Slowly down to a fifth and up again.
pub fn ramp() -> Link {
    Link::new("ramp", 180, |at| {
        let depth = 1.0 - (at - 90.0).abs() / 90.0;
        8500.0 - 7000.0 * depth
    })
}

/// Up slowly and down at once, every half minute.
pub fn sawtooth() -> Link {
    Link::new("sawtooth", 180, |at| 2000.0 + 6000.0 * (at % 30.0) / 30.0)
}

/// Like a phone on the move: the rate wanders by orders of magnitude, with holes of a second.
pub fn cellular(seed: u64) -> Link {
    wandering(seed, 5000.0, 0.08).with_name("cellular").with_one_way(35).with_buffer(400_000)
}

/// A walk in the logarithm of the rate that is pulled back to its middle, as drive tests show it, and
/// now and then a second with nearly nothing.
pub(crate) fn wandering(seed: u64, middle: f64, stride: f64) -> Link {
    let mut random = Random::new(seed);
    let (mut log, mut hole) = (0.0_f64, 0);
    Link::new("wandering", 180, |_| {
        log += stride * random.normal() - 0.02 * log;
        if random.unit() < 0.003 {
            hole = 10;
        }
        hole -= i32::from(hole > 0);
        let rate = middle * log.exp() * (1.0 + 0.15 * random.normal()).max(0.2);
        if hole > 0 { 200.0 } else { rate.clamp(300.0, 20_000.0) }
    })
}

/// A buffer of two megabytes before a link that halves.
pub fn bufferbloat() -> Link {
    step().with_name("bufferbloat").with_buffer(2_000_000)
}

/// Wireless: enough rate, a little loss always, and a second of a lot every twelve.
pub fn loss_bursts() -> Link {
    let link = Link::new("loss bursts", 180, |_| 9000.0).with_loss(0.0, 180.0, 0.003);
    (0..15).fold(link, |link, index| {
        let at = 8.0 + 12.0 * f64::from(index);
        link.with_loss(at, at + 1.0, 0.12)
    })
}

/// Nothing moves for five seconds, once.
pub fn stall() -> Link {
    Link::new("stall", 120, |_| 8000.0).still(40.0, 45.0)
}

/// More than enough, and a peer on a machine with other work: its program does nothing for 50 to 300 ms, every
/// second or two.
pub fn busy_peer(seed: u64) -> Link {
    let mut random = Random::new(seed + 500);
    let (mut link, mut at) = (Link::new("busy peer", 180, |_| 9000.0), 5.0);
    while at < 175.0 {
        let busy = 0.05 + 0.25 * random.unit();
        link = link.with_busy_peer(at, at + busy);
        at += busy + 0.1 + 2.0 * random.unit();
    }
    link
}

/// A little more than enough, half of that for twenty seconds again and again, and a buffer that hardly holds a key
/// picture.
pub fn dips() -> Link {
    Link::new("dips", 180, |at| if at % 45.0 > 25.0 { 3000.0 } else { 6500.0 })
        .with_one_way(25)
        .with_buffer(64_000)
}

/// Down to a fifth and up again, without a rest.
pub fn waves() -> Link {
    Link::new("waves", 180, |at| 3800.0 + 2600.0 * (at * std::f64::consts::TAU / 36.0).cos()).with_one_way(40)
}

/// Up and down, at once.
pub fn falls() -> Link {
    Link::new("falls", 180, |at| [8000.0, 2200.0, 5000.0, 1500.0][(at / 22.0) as usize % 4]).with_one_way(40)
}

/// Nothing moves for a moment that is about as long as what is sent may take.
pub fn short_cuts() -> Link {
    let still = [(15.0, 15.7), (50.0, 51.2), (90.0, 90.4), (130.0, 132.5)];
    still.iter().fold(Link::new("short cuts", 180, |_| 6500.0), |link, it| link.still(it.0, it.1))
}
