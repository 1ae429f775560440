//! How soon a stream uses a path again that is back.

use crate::encoder::Picture;
use crate::link::Link;

/// So long, in milliseconds, is looked at together: one key picture is always among it.
const LOOKED_AT: u64 = 2000;
/// Of what could be had, this share is as much as all of it.
const ENOUGH: f64 = 0.9;

/// Seconds from each time that the link carries again after it carried nothing to the first two seconds of which 90 %
/// of what it carries is of use, on the mean. `useful` are the pictures that came in time and could be decoded; `carries`
/// says what can be had at a time. A stream that is not back before the next outage or the end counts until then;
/// `None` where the link never carried nothing.
pub fn recovery(useful: &[Picture], link: &Link, carries: impl Fn(u64) -> f64) -> Option<f64> {
    let returns = link.returns();
    let ends = returns.iter().skip(1).copied().chain([link.lasts]);
    let back = |(&from, until): (&u64, u64)| {
        let used = |&at: &u64| {
            let first = useful.partition_point(|it| it.made < at);
            let within = useful[first..].iter().take_while(|it| it.made < at + LOOKED_AT);
            let bits = within.map(|it| it.bytes * 8).sum::<u64>() as f64;
            bits >= ENOUGH * carries(at) * LOOKED_AT as f64
        };
        let at = (from..until - LOOKED_AT).step_by(20).find(used).unwrap_or(until);
        (at - from) as f64 / 1000.0
    };
    let all: Vec<f64> = returns.iter().zip(ends).map(back).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty pictures a second of 5 Mbit/s from one second to another.
    fn pictures(from: u64, to: u64) -> impl Iterator<Item = Picture> {
        (from * 60..to * 60).map(|it| Picture {
            number: it as usize,
            made: it * 1000 / 60,
            bytes: 5_000_000 / 8 / 60,
            key: false,
        })
    }

    #[test]
    fn it_is_counted_from_each_return_to_what_comes_in_time_again() {
        let link = Link::new("a link", 60, |_| 5000.0).still(10.0, 12.0).still(30.0, 31.0);
        let useful: Vec<_> = pictures(0, 10).chain(pictures(15, 30)).chain(pictures(32, 60)).collect();
        let back = recovery(&useful, &link, |_| 5000.0).unwrap();
        // Nine tenths of two seconds fit into the window 200 ms before all of it does.
        assert!((back - (2.8 + 0.8) / 2.0).abs() < 0.05, "{back}");
        assert_eq!(recovery(&[], &link, |_| 5000.0), Some((19.0 + 29.0) / 2.0));
        assert_eq!(recovery(&useful, &Link::new("a link", 60, |_| 5000.0), |_| 5000.0), None);
    }
}
