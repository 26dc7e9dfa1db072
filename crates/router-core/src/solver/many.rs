//! Many orders over one market, on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::market::Market;
use super::plan::{Plan, SolveRequest};
use super::SolveError;

/// Orders that a thread takes at a time: few, since their work differs a lot.
const BATCH: usize = 4;

/// Most threads of one call.
const MAX_THREADS: usize = 64;

type Answer = Result<Plan, SolveError>;

impl Market {
    /// Solves every order by itself, none after the others, on up to `threads` threads (at least
    /// one); answers are in the order of the requests and the same on any number of threads, unless
    /// `is_late` stops a solve.
    #[must_use]
    pub fn solve_many(
        &self,
        requests: &[SolveRequest],
        threads: usize,
        is_late: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Answer> {
        let threads = threads
            .clamp(1, MAX_THREADS)
            .min(requests.len().div_ceil(BATCH));
        if threads <= 1 {
            let answers = requests.iter();
            return answers
                .map(|request| self.solve_until(request, &|| is_late()))
                .collect();
        }
        let next = AtomicUsize::new(0);
        let mut found: Vec<(usize, Answer)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| self.work_off(requests, &next, is_late)))
                .collect();
            workers
                .into_iter()
                .filter_map(|worker| worker.join().ok())
                .flatten()
                .collect()
        });
        found.sort_unstable_by_key(|(index, _)| *index);
        // A thread that could not finish leaves a gap: its orders are solved here, where a panic
        // reaches the caller.
        let mut answers = Vec::with_capacity(requests.len());
        let mut found = found.into_iter().peekable();
        for (index, request) in requests.iter().enumerate() {
            let known = found.next_if(|(place, _)| *place == index);
            answers.push(known.map_or_else(
                || self.solve_until(request, &|| is_late()),
                |(_, answer)| answer,
            ));
        }
        answers
    }

    /// Takes batches until none are left.
    fn work_off(
        &self,
        requests: &[SolveRequest],
        next: &AtomicUsize,
        is_late: &(dyn Fn() -> bool + Sync),
    ) -> Vec<(usize, Answer)> {
        let mut answers = Vec::new();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(left) = requests.get(first..).filter(|left| !left.is_empty()) else {
                return answers;
            };
            for (index, request) in (first..).zip(left).take(BATCH) {
                answers.push((index, self.solve_until(request, &|| is_late())));
            }
        }
    }
}
