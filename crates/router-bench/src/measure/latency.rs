//! Latency under a fixed rate of arrivals, without coordinated omission.
//!
//! Operation `i` is due at `start + i / rate`, whether or not the one before it is done; its latency
//! is the time from then to its end. So a stall counts for everything that had to wait behind it.

use super::Switches;
use quanta::Clock;
use serde_json::{json, Value};

/// An operation that was picked up later than this although nothing was before it says that the
/// machine, and not the engine, was late.
const IDLE_LATENESS_NS: u64 = 100;

/// Latencies of one run in nanoseconds, sorted.
#[derive(Clone, Debug)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Sorts `samples`.
    #[must_use]
    pub fn new(mut samples: Vec<u32>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The smallest latency that `per_100_000` of 100,000 samples do not exceed.
    #[must_use]
    pub fn percentile(&self, per_100_000: usize) -> u32 {
        let rank = (self.0.len() * per_100_000).div_ceil(100_000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The greatest.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.0.last().copied().unwrap_or_default()
    }

    /// `p50 / p90 / p99 / p99.9 / p99.99 / max` in nanoseconds.
    #[must_use]
    pub fn summary(&self) -> [u32; 6] {
        let [p50, p90, p99, p999, p9999] =
            [50_000, 90_000, 99_000, 99_900, 99_990].map(|share| self.percentile(share));
        [p50, p90, p99, p999, p9999, self.max()]
    }

    /// The same with names.
    #[must_use]
    pub fn json(&self) -> Value {
        let [p50, p90, p99, p999, p9999, max] = self.summary();
        json!({"p50": p50, "p90": p90, "p99": p99, "p99.9": p999, "p99.99": p9999, "max": max})
    }
}

/// Why the operations above the 99.9th percentile were late, as counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lateness {
    /// The engine took long over this very operation.
    pub own_work: usize,
    /// It waited behind one that took long.
    pub behind_work: usize,
    /// The thread was not running when the operation was due, or it waited behind such a gap.
    pub not_running: usize,
}

/// One open-loop run.
#[derive(Clone, Debug)]
pub struct LatencyRun {
    /// From due to done.
    pub latencies: Latencies,
    /// The same without the operations that were due while the thread was not running, or that
    /// waited behind such a gap: what the engine would do on a core of its own.
    pub undisturbed: Latencies,
    /// From picked up to done.
    pub service: Latencies,
    /// Causes of the slowest thousandth.
    pub lateness: Lateness,
    /// What the system did to the thread meanwhile.
    pub switches: Switches,
}

/// Calls `work(i)` for `i` in `0..count` at `rate` a second and times each call.
///
/// The two clock readings of an operation, about 8 ns each, are inside its latency.
///
/// # Errors
///
/// The system does not count context switches by thread.
pub fn open_loop(count: usize, rate: u64, mut work: impl FnMut(usize)) -> nix::Result<LatencyRun> {
    let clock = Clock::new();
    let ticks_per_second = ticks_in_a_second(&clock);
    let mut starts = vec![0_u64; count];
    let mut ends = vec![0_u64; count];
    let before = Switches::observe()?;
    let origin = clock.raw() + ticks_per_second / 1_000;
    for index in 0..count {
        let due = origin + due_ticks(index, rate, ticks_per_second);
        let mut now = clock.raw();
        while now < due {
            now = clock.raw();
        }
        work(index);
        starts[index] = now;
        ends[index] = clock.raw();
    }
    let switches = Switches::observe()?.since(before);
    let dues: Vec<u64> = (0..count)
        .map(|index| origin + due_ticks(index, rate, ticks_per_second))
        .collect();
    Ok(evaluated(&clock, &dues, &starts, &ends, switches))
}

fn due_ticks(index: usize, rate: u64, ticks_per_second: u64) -> u64 {
    (index as u128 * u128::from(ticks_per_second) / u128::from(rate)) as u64
}

fn ticks_in_a_second(clock: &Clock) -> u64 {
    let start = clock.raw();
    let ticks = 1 << 32;
    let nanoseconds = clock.delta_as_nanos(start, start + ticks);
    (u128::from(ticks) * 1_000_000_000 / u128::from(nanoseconds.max(1))) as u64
}

fn evaluated(
    clock: &Clock,
    dues: &[u64],
    starts: &[u64],
    ends: &[u64],
    switches: Switches,
) -> LatencyRun {
    let nanoseconds =
        |from: u64, to: u64| u32::try_from(clock.delta_as_nanos(from, to)).unwrap_or(u32::MAX);
    let pairs = |from: &[u64]| -> Vec<u32> {
        from.iter()
            .zip(ends)
            .map(|(from, to)| nanoseconds(*from, *to))
            .collect()
    };
    let (total, service) = (pairs(dues), pairs(starts));
    let latencies = Latencies::new(total.clone());
    let threshold = latencies.percentile(99_900);
    let mut lateness = Lateness::default();
    let mut undisturbed = Vec::with_capacity(total.len());
    let mut gap = false;
    for index in 0..dues.len() {
        let waited = nanoseconds(dues[index], starts[index]);
        let behind = index > 0 && ends[index - 1] > dues[index];
        // A queue that a gap began stays the gap's doing until it is empty again.
        gap = if behind {
            gap
        } else {
            u64::from(waited) > IDLE_LATENESS_NS
        };
        if !gap {
            undisturbed.push(total[index]);
        }
        if total[index] > threshold {
            match (service[index] > waited, gap) {
                (_, true) => lateness.not_running += 1,
                (true, false) => lateness.own_work += 1,
                (false, false) => lateness.behind_work += 1,
            }
        }
    }
    LatencyRun {
        latencies,
        undisturbed: Latencies::new(undisturbed),
        service: Latencies::new(service),
        lateness,
        switches,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_least_sample_that_covers_its_share() {
        let latencies = Latencies::new((1..=1_000).rev().collect());
        assert_eq!(latencies.summary(), [500, 900, 990, 999, 1_000, 1_000]);
    }

    #[test]
    fn a_stall_counts_for_everything_behind_it() {
        let run = open_loop(2_000, 1_000_000, |index| {
            if index == 500 {
                let stall = std::time::Instant::now();
                while stall.elapsed().as_micros() < 1_000 {}
            }
        });
        let run = run.expect("this system counts by thread");
        assert!(
            run.latencies.percentile(60_000) > 1_000,
            "half of the rest waited behind it"
        );
        assert!(run.service.percentile(60_000) < run.latencies.percentile(60_000));
    }
}
