//! What the figures were measured on, and what disturbed them.

use nix::sys::resource::{getrusage, UsageWho};
use serde_json::{json, Value};
use std::fs;

/// The machine, as far as it tells.
#[derive(Clone, Debug)]
pub struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    governor: String,
    memory_kib: u64,
}

impl Machine {
    /// Asks the system.
    #[must_use]
    pub fn observe() -> Self {
        let processors = read("/proc/cpuinfo");
        Self {
            processor: field(&processors, "model name"),
            cores: processors
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            kernel: read("/proc/sys/kernel/osrelease"),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            memory_kib: field(&read("/proc/meminfo"), "MemTotal")
                .trim_end_matches(" kB")
                .parse()
                .unwrap_or_default(),
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let governor = if self.governor.is_empty() {
            "frequency not ours to see"
        } else {
            &self.governor
        };
        format!(
            "{} ({} cores, {} GiB, Linux {}, {governor}), load {}",
            self.processor,
            self.cores,
            self.memory_kib / 1_048_576,
            self.kernel,
            load()
        )
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "kernel": self.kernel,
            "governor": self.governor,
            "memory_kib": self.memory_kib,
            "load": load(),
        })
    }
}

fn load() -> String {
    let averages = read("/proc/loadavg");
    averages.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

fn field(text: &str, name: &str) -> String {
    text.lines()
        .find(|line| line.starts_with(name))
        .and_then(|line| line.split_once(':'))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// Memory of this process that is in RAM.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = read("/proc/self/status");
    let kib: u64 = field(&status, "VmRSS")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default();
    kib * 1024
}

/// How often the calling thread lost its core, and how often it touched new memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Switches {
    /// Taken away.
    pub involuntary: i64,
    /// Given up.
    pub voluntary: i64,
    /// Pages handed out.
    pub page_faults: i64,
}

impl Switches {
    /// Counts since the thread began.
    ///
    /// # Errors
    ///
    /// The system does not count by thread.
    pub fn observe() -> nix::Result<Self> {
        let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
        Ok(Self {
            involuntary: usage.involuntary_context_switches(),
            voluntary: usage.voluntary_context_switches(),
            page_faults: usage.minor_page_faults(),
        })
    }

    /// Counts since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            involuntary: self.involuntary - earlier.involuntary,
            voluntary: self.voluntary - earlier.voluntary,
            page_faults: self.page_faults - earlier.page_faults,
        }
    }
}
