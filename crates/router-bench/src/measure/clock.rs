//! Wall and thread-CPU time of one piece of work.

use nix::sched::{sched_getaffinity, sched_setaffinity, CpuSet};
use nix::time::{clock_gettime, ClockId};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// How long one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    /// Time on the wall.
    pub wall: Duration,
    /// Time the calling thread was on a core; what neighbours cannot take away.
    pub cpu: Duration,
    /// Operations done in it.
    pub operations: u64,
}

impl Timing {
    /// Operations per second of thread-CPU time.
    #[must_use]
    pub fn cpu_rate(&self) -> f64 {
        self.operations as f64 / self.cpu.as_secs_f64()
    }

    /// Operations per second of wall time.
    #[must_use]
    pub fn wall_rate(&self) -> f64 {
        self.operations as f64 / self.wall.as_secs_f64()
    }
}

/// Both clocks at the start of a run.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Reads both clocks.
    ///
    /// # Errors
    ///
    /// The system has no clock of the thread.
    pub fn start() -> nix::Result<Self> {
        Ok(Self {
            cpu: thread_cpu()?,
            wall: Instant::now(),
        })
    }

    /// Reads both clocks again.
    ///
    /// # Errors
    ///
    /// The system has no clock of the thread.
    pub fn stop(self, operations: u64) -> nix::Result<Timing> {
        let wall = self.wall.elapsed();
        Ok(Timing {
            wall,
            cpu: thread_cpu()?.saturating_sub(self.cpu),
            operations,
        })
    }
}

fn thread_cpu() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}

/// Times `work`, which does `operations` operations, and hands on what it returns.
///
/// # Errors
///
/// The system has no clock of the thread.
pub fn timed<T>(operations: u64, work: impl FnOnce() -> T) -> nix::Result<(Timing, T)> {
    let watch = Stopwatch::start()?;
    let value = work();
    Ok((watch.stop(operations)?, value))
}

/// Keeps the calling thread on `core`; threads it starts inherit that.
///
/// # Errors
///
/// There is no such core, or it may not be used.
pub fn pin_to_core(core: usize) -> nix::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set)
}

/// Lets `work` start threads that may run on any core, and brings the caller back to its own.
///
/// # Errors
///
/// The system does not tell or does not take the set of cores.
pub fn off_core<T>(work: impl FnOnce() -> T) -> nix::Result<T> {
    let own = sched_getaffinity(Pid::from_raw(0))?;
    let mut all = CpuSet::new();
    for core in 0..cores() {
        all.set(core)?;
    }
    sched_setaffinity(Pid::from_raw(0), &all)?;
    let value = work();
    sched_setaffinity(Pid::from_raw(0), &own)?;
    Ok(value)
}

/// Cores of the machine, whether or not the caller may use them now.
fn cores() -> usize {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    listed
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count()
}
