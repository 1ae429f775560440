//! A path that does not exist: rate over time, delay, buffer and loss.

/// A path to a peer.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it is called in the results.
    pub name: &'static str,
    /// How long it is tried, in milliseconds.
    pub lasts: u64,
    /// Delay of each direction, in milliseconds.
    pub one_way: u64,
    /// Bytes that wait before the narrowest place at most; what comes then is lost.
    pub buffer: u64,
    /// Kilobits a second from these milliseconds on, at each tenth of a second.
    rates: Vec<f64>,
    /// From, to, and how many of the datagrams are lost there.
    losses: Vec<(u64, u64, f64)>,
    outages: Vec<Outage>,
    /// When it carries again after it carried nothing.
    returns: Vec<u64>,
    /// From when to when its peer has no time.
    busy: Vec<(u64, u64)>,
}

/// A time without a server, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub from: u64,
    /// From here on it listens again, and knows nothing of earlier connections.
    pub until: u64,
    /// Whether its machine ends the connection, as it does for a program that is killed. Otherwise it is gone
    /// without a word: the connection is half open.
    pub told: bool,
}

/// What an access router buffers: 150 ms at 8 Mbit/s.
const BUFFER: u64 = 150_000;

impl Link {
    /// A link whose rate is a function of time in seconds.
    pub fn new(name: &'static str, seconds: u64, mut rate: impl FnMut(f64) -> f64) -> Self {
        let rates = (0..seconds * 10).map(|tenth| rate(tenth as f64 / 10.0)).collect();
        Self {
            name,
            lasts: seconds * 1000,
            one_way: 20,
            buffer: BUFFER,
            rates,
            losses: vec![],
            outages: vec![],
            returns: vec![],
            busy: vec![],
        }
    }

    #[must_use]
    pub const fn with_name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    #[must_use]
    pub const fn with_buffer(mut self, bytes: u64) -> Self {
        self.buffer = bytes;
        self
    }

    #[must_use]
    pub const fn with_one_way(mut self, milliseconds: u64) -> Self {
        self.one_way = milliseconds;
        self
    }

    /// Loses this share from one second to another.
    #[must_use]
    pub fn with_loss(mut self, from: f64, to: f64, share: f64) -> Self {
        self.losses.push(((from * 1000.0) as u64, (to * 1000.0) as u64, share));
        self
    }

    /// Its server is gone from one second to another, and says so or not.
    #[must_use]
    pub fn without_server(mut self, from: f64, to: f64, told: bool) -> Self {
        let outage = Outage { from: (from * 1000.0) as u64, until: (to * 1000.0) as u64, told };
        self.outages.push(outage);
        self.returning(to).with_loss(from, to, 1.0)
    }

    /// It carries nothing from one second to another.
    #[must_use]
    pub fn still(mut self, from: f64, to: f64) -> Self {
        let tenths = (from * 10.0) as usize..(to * 10.0) as usize;
        self.rates[tenths].fill(0.0);
        self.returning(to)
    }

    /// Its peer's program has no time from one second to another: what comes waits in the peer's kernel. TCP's
    /// acknowledgements come from there all the same, SRT's from the program.
    #[must_use]
    pub fn with_busy_peer(mut self, from: f64, to: f64) -> Self {
        self.busy.push(((from * 1000.0) as u64, (to * 1000.0) as u64));
        self
    }

    fn returning(mut self, at: f64) -> Self {
        self.returns.push((at * 1000.0) as u64);
        self
    }

    /// When its server is gone.
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// From when on it carries again after it carried nothing.
    pub fn returns(&self) -> &[u64] {
        &self.returns
    }

    /// Whether a server that is called now answers.
    pub fn answers(&self, now: u64) -> bool {
        self.kbps(now) > 0.0 && !self.outages.iter().any(|it| (it.from..it.until).contains(&now))
    }

    /// Its rate at a time.
    pub fn kbps(&self, now: u64) -> f64 {
        let index = (now / 100) as usize;
        self.rates.get(index).or(self.rates.last()).copied().unwrap_or(0.0)
    }

    /// Its rates, one for each tenth of a second.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// Whether its peer has no time.
    pub fn peer_is_busy(&self, now: u64) -> bool {
        self.busy.iter().any(|it| (it.0..it.1).contains(&now))
    }

    /// How many datagrams it loses at a time.
    pub fn loss(&self, now: u64) -> f64 {
        let there = self.losses.iter().filter(|it| (it.0..it.1).contains(&now));
        there.map(|it| it.2).fold(0.0, f64::max)
    }
}
