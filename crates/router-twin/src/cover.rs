//! Covering arrays: few rows in which any values of any few factors meet.
//!
//! A greedy search of our own: each row starts from a combination that no row has yet, and takes for
//! every other factor the value that brings most new ones. Equal seeds give equal rows.

use std::collections::BTreeSet;

use crate::gen::Rng;

/// A row in the making: the value of each factor, where it has one.
pub type Partial = [Option<usize>];

/// Some factors with their values, by number.
pub type Combination = Vec<(usize, usize)>;

/// Factors, and which rows of them make sense.
pub struct Factors<'a> {
    /// Number of values of each factor.
    pub sizes: &'a [usize],
    /// Whether a row may exist; of an unfinished one, whether it may still become one that does.
    pub fits: &'a dyn Fn(&Partial) -> bool,
}

impl Factors<'_> {
    /// Rows that fit, in which every combination of `strength` values occurs that any row that fits
    /// can have.
    #[must_use]
    pub fn cover(&self, strength: usize, seed: u64) -> Vec<Vec<usize>> {
        let wanted = self.combinations(strength);
        let mut open: BTreeSet<u64> = wanted.iter().map(|one| self.key(one)).collect();
        let mut rng = Rng::new(seed);
        let mut rows = Vec::new();
        for combination in &wanted {
            if !open.contains(&self.key(combination)) {
                continue;
            }
            let mut row = self.start(combination);
            if !self.can_become(&row) {
                continue;
            }
            let mut rest = self.unset(&row);
            shuffle(&mut rest, &mut rng);
            for factor in rest {
                self.choose(&mut row, factor, strength, &open, &mut rng);
            }
            let row: Vec<usize> = row.into_iter().flatten().collect();
            for covered in self.within(&row, strength) {
                open.remove(&self.key(&covered));
            }
            rows.push(row);
        }
        rows
    }

    /// Every combination of `strength` values of different factors, in order.
    #[must_use]
    pub fn combinations(&self, strength: usize) -> Vec<Combination> {
        let mut found = vec![Combination::new()];
        for _ in 0..strength {
            let mut longer = Vec::new();
            for one in &found {
                let next = one.last().map_or(0, |(factor, _)| factor + 1);
                for (factor, size) in self.sizes.iter().enumerate().skip(next) {
                    for value in 0..*size {
                        let mut grown = one.clone();
                        grown.push((factor, value));
                        longer.push(grown);
                    }
                }
            }
            found = longer;
        }
        found
    }

    /// The combinations of `strength` values that a row has.
    #[must_use]
    pub fn within(&self, row: &[usize], strength: usize) -> Vec<Combination> {
        let all: Combination = row.iter().copied().enumerate().collect();
        let mut found = Vec::new();
        each_subset(&all, strength, &mut Vec::new(), &mut |subset| {
            found.push(subset.to_vec());
        });
        found
    }

    /// Whether any row that fits has these values.
    #[must_use]
    pub fn possible(&self, combination: &[(usize, usize)]) -> bool {
        self.can_become(&self.start(combination))
    }

    /// Whether any row that fits has the values chosen so far: looked for without cleverness. It is
    /// quick where the factors that exclude each other come first.
    fn can_become(&self, row: &Partial) -> bool {
        let rest = self.unset(row);
        (self.fits)(row) && self.fill_any(&mut row.to_vec(), &rest)
    }

    fn start(&self, combination: &[(usize, usize)]) -> Vec<Option<usize>> {
        let mut row = vec![None; self.sizes.len()];
        for (factor, value) in combination {
            set(&mut row, *factor, Some(*value));
        }
        row
    }

    fn unset(&self, row: &Partial) -> Vec<usize> {
        let places = 0..self.sizes.len();
        places
            .filter(|factor| row.get(*factor).copied().flatten().is_none())
            .collect()
    }

    fn values(&self, factor: usize) -> std::ops::Range<usize> {
        0..self.sizes.get(factor).copied().unwrap_or(0)
    }

    fn fill_any(&self, row: &mut Vec<Option<usize>>, rest: &[usize]) -> bool {
        let Some((factor, later)) = rest.split_first() else {
            return true;
        };
        for value in self.values(*factor) {
            set(row, *factor, Some(value));
            if (self.fits)(row) && self.fill_any(row, later) {
                return true;
            }
        }
        set(row, *factor, None);
        false
    }

    /// Gives a factor the value that brings most, of those with which the row can still fit.
    fn choose(
        &self,
        row: &mut [Option<usize>],
        factor: usize,
        strength: usize,
        open: &BTreeSet<u64>,
        rng: &mut Rng,
    ) {
        let chosen: Combination = row
            .iter()
            .enumerate()
            .filter_map(|(place, value)| Some((place, (*value)?)))
            .collect();
        let mut ranked: Vec<(u64, u64, usize)> = self
            .values(factor)
            .map(|value| {
                let gain = self.gain(&chosen, (factor, value), strength, open);
                (u64::MAX - gain, rng.bits(), value)
            })
            .collect();
        ranked.sort_unstable();
        for (_, _, value) in ranked {
            set(row, factor, Some(value));
            if self.can_become(row) {
                return;
            }
        }
        unreachable!("a row that could fit lost its last value");
    }

    fn gain(
        &self,
        chosen: &[(usize, usize)],
        added: (usize, usize),
        strength: usize,
        open: &BTreeSet<u64>,
    ) -> u64 {
        let mut gain = 0;
        each_subset(chosen, strength - 1, &mut Vec::new(), &mut |subset| {
            let mut whole = subset.to_vec();
            whole.push(added);
            whole.sort_unstable();
            gain += u64::from(open.contains(&self.key(&whole)));
        });
        gain
    }

    /// A number of a combination, in which factors go upwards.
    fn key(&self, combination: &[(usize, usize)]) -> u64 {
        combination.iter().fold(0, |key, (factor, value)| {
            let before: usize = self.sizes.iter().take(*factor).sum();
            key * 4096 + 1 + (before + value) as u64
        })
    }
}

fn set(row: &mut [Option<usize>], factor: usize, value: Option<usize>) {
    if let Some(place) = row.get_mut(factor) {
        *place = value;
    }
}

fn shuffle(places: &mut [usize], rng: &mut Rng) {
    for end in (1..places.len()).rev() {
        places.swap(end, rng.index(end + 1));
    }
}

fn each_subset<T: Copy>(items: &[T], size: usize, taken: &mut Vec<T>, visit: &mut dyn FnMut(&[T])) {
    if size == 0 {
        visit(taken);
        return;
    }
    let mut rest = items;
    while let Some((first, later)) = rest.split_first() {
        taken.push(*first);
        each_subset(later, size - 1, taken, visit);
        taken.pop();
        rest = later;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anything(_: &Partial) -> bool {
        true
    }

    fn missing(factors: &Factors, rows: &[Vec<usize>], strength: usize) -> Vec<Combination> {
        let has = |one: &Combination| {
            rows.iter().any(|row| {
                one.iter()
                    .all(|(factor, value)| row.get(*factor) == Some(value))
            })
        };
        let mut wanted = factors.combinations(strength);
        wanted.retain(|one| !has(one));
        wanted
    }

    #[test]
    fn every_pair_and_every_triple_occurs() {
        let sizes = [4, 2, 5, 3, 3];
        let factors = Factors {
            sizes: &sizes,
            fits: &anything,
        };
        for (strength, count) in [(2, 113), (3, 367)] {
            assert_eq!(factors.combinations(strength).len(), count);
            let rows = factors.cover(strength, 1);
            assert_eq!(
                missing(&factors, &rows, strength),
                Vec::<Combination>::new()
            );
        }
    }

    #[test]
    fn pairs_take_far_fewer_rows_than_the_product() {
        let sizes = [5; 8];
        let factors = Factors {
            sizes: &sizes,
            fits: &anything,
        };
        let rows = factors.cover(2, 1);
        assert!((25..70).contains(&rows.len()), "{} rows", rows.len());
        assert_eq!(rows, factors.cover(2, 1), "equal seeds, other rows");
    }

    #[test]
    fn only_rows_that_fit_occur_and_only_what_no_row_can_have_is_left_out() {
        let sizes = [3, 3, 3, 2];
        let fits = |row: &Partial| match row {
            [Some(0), Some(0), ..] => false,
            [Some(1), _, Some(one), Some(two)] => one == two,
            _ => true,
        };
        let factors = Factors {
            sizes: &sizes,
            fits: &fits,
        };
        let rows = factors.cover(2, 3);
        for row in &rows {
            let whole: Vec<_> = row.iter().copied().map(Some).collect();
            assert!(fits(&whole), "{row:?} does not fit");
        }
        let left = missing(&factors, &rows, 2);
        assert_eq!(left, [vec![(0, 0), (1, 0)], vec![(0, 1), (2, 2)]]);
        assert!(left.iter().all(|one| !factors.possible(one)));
    }
}
