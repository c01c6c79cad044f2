//! One side of a book: levels by price, the best in constant time, an update in a few nanoseconds.
//!
//! Near the best price the levels stand in a window of slots, one for each step of the price grid, with a bitmap of
//! those that hold something; levels far from it wait in a sorted map. The grid is learnt from the prices: its step is
//! the greatest common divisor of their distances, so that a tick that changes with the price needs no rule here.

use std::collections::BTreeMap;

use crate::num::{Price, Qty};
use crate::order::Side;

/// Slots of the window: 64 places for blocks of 64.
const SLOTS: usize = 64 * 64;
/// Where the best price stands after the window was moved: room for better ones before it.
const LEAD: i64 = 1_024;
/// The coarsest grid: five million units of price.
const STEP_MAX: i64 = 1 << 49;
/// Once the best price stands behind this slot, the next level that falls out of the window moves it.
const LATE: i64 = 2_048;

/// 64 slots, and a bit for each that holds something.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Block {
    bits: u64,
    cells: [Qty; 64],
}

impl Block {
    const EMPTY: Self = Self { bits: 0, cells: [Qty::ZERO; 64] };
}

/// No block has this number.
const NONE: u8 = u8::MAX;

/// The levels of one side, each with its quantity above zero.
///
/// Inside, a price is a key: the price itself of an offer, its opposite of a bid. The lower key is always the better.
/// Memory is laid out for hundreds of books at once: what finds a level fills two lines of the processor's cache, in this
/// order, and blocks exist only where levels stand.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Ladder {
    /// Distance of two slots; zero until two prices are known.
    step: i64,
    /// `2^shift / step`, rounded up: a division by the step is a multiplication by it.
    magic: u64,
    /// The key of slot 0.
    base: i64,
    /// What the window covers from `base` on, in steps of the key; zero while nothing is held.
    span: u64,
    /// A bit for each block of the window that holds something.
    summary: u64,
    blocks: Box<[Block]>,
    shift: u32,
    side: Side,
    /// How many of the blocks have a place.
    used: u8,
    /// Which block stands at a place of the window; [`NONE`] until it is needed.
    places: [u8; 64],
    /// Levels behind the window.
    far: BTreeMap<i64, Qty>,
}

impl Ladder {
    /// An empty side.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self {
            side,
            step: 0,
            magic: 0,
            shift: 0,
            base: 0,
            span: 0,
            blocks: Box::default(),
            summary: 0,
            used: 0,
            places: [NONE; 64],
            far: BTreeMap::new(),
        }
    }

    /// Of which side.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Whether it holds no level.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        // Levels behind the window come into it before it is left empty.
        self.summary == 0
    }

    #[inline(always)]
    const fn key(&self, price: Price) -> i64 {
        // The smallest i64 is no price: nothing below zero is.
        match self.side {
            Side::Buy => price.raw().wrapping_neg(),
            Side::Sell => price.raw(),
        }
    }

    #[inline(always)]
    const fn price(&self, key: i64) -> Price {
        Price::from_raw(match self.side {
            Side::Buy => key.wrapping_neg(),
            Side::Sell => key,
        })
    }

    /// The slot of a key, if it is on the grid and in the window.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below SLOTS, as the span was tested")]
    const fn slot(&self, key: i64) -> Option<usize> {
        let distance = key.wrapping_sub(self.base) as u64;
        if distance >= self.span {
            return None;
        }
        // Granlund and Montgomery (1994): exact here, since distance < SLOTS * step leaves 2^-50 of error at most.
        let slot = ((distance as u128 * self.magic as u128) >> self.shift) as u64;
        if slot.wrapping_mul(self.step as u64) == distance { Some(slot as usize & (SLOTS - 1)) } else { None }
    }

    /// The key of a slot.
    #[inline(always)]
    #[expect(clippy::cast_possible_wrap, reason = "slots are below SLOTS")]
    const fn key_of(&self, slot: usize) -> i64 {
        self.base.wrapping_add((slot as i64).wrapping_mul(self.step))
    }

    /// The level at a price is now this; zero deletes it. Returns what it held before.
    #[inline(always)]
    pub fn set(&mut self, price: Price, quantity: Qty) -> Qty {
        let key = self.key(price);
        match self.slot(key) {
            Some(slot) => {
                let before = self.put(slot, quantity);
                if self.summary == 0 && !self.far.is_empty() {
                    self.rebuild(self.step, None);
                }
                before
            }
            None => self.set_elsewhere(key, quantity),
        }
    }

    /// Hints to the processor that a level will be set soon, so that it fetches what finds it.
    #[inline(always)]
    pub fn prefetch(&self) {
        prefetch(&raw const self.step);
        prefetch(&raw const self.places);
    }

    /// Hints to the processor that a level will be set, after [`Ladder::prefetch`] had its time.
    #[inline(always)]
    pub fn prefetch_level(&self, price: Price) {
        if let Some(slot) = self.slot(self.key(price))
            && let Some(block) = self.block(slot)
        {
            prefetch(&raw const block.bits);
            prefetch(block.cells.as_ptr().wrapping_add(slot & 63));
        }
    }

    /// The block of a slot, if it has one.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "slots are below SLOTS = 64 * 64")]
    fn block(&self, slot: usize) -> Option<&Block> {
        self.blocks.get(usize::from(self.places[(slot >> 6) & 63]))
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "slots are below SLOTS = 64 * 64")]
    fn put(&mut self, slot: usize, quantity: Qty) -> Qty {
        let (place, bit) = ((slot >> 6) & 63, slot & 63);
        let Some(block) = self.blocks.get_mut(usize::from(self.places[place])) else {
            return self.put_first(slot, quantity);
        };
        let before = std::mem::replace(&mut block.cells[bit], quantity);
        block.bits = (block.bits & !(1 << bit)) | (u64::from(!quantity.is_zero()) << bit);
        self.summary = (self.summary & !(1 << place)) | (u64::from(block.bits != 0) << place);
        before
    }

    /// The first level at a place of the window needs a block there.
    #[cold]
    #[inline(never)]
    #[expect(clippy::indexing_slicing, reason = "slots are below SLOTS = 64 * 64")]
    fn put_first(&mut self, slot: usize, quantity: Qty) -> Qty {
        if quantity.is_zero() {
            return Qty::ZERO;
        }
        let used = usize::from(self.used);
        if used == self.blocks.len() {
            let mut blocks = std::mem::take(&mut self.blocks).into_vec();
            blocks.resize((2 * used).max(1), Block::EMPTY);
            self.blocks = blocks.into_boxed_slice();
        }
        self.places[(slot >> 6) & 63] = self.used;
        self.used += 1;
        self.put(slot, quantity)
    }

    /// Prices outside the window or off the grid.
    #[cold]
    #[inline(never)]
    fn set_elsewhere(&mut self, key: i64, quantity: Qty) -> Qty {
        let is_behind = self.span > 0 && i128::from(key) - i128::from(self.base) >= i128::from(self.span);
        if quantity.is_zero() {
            // Nothing better than the window, and nothing off the grid, is held.
            return if is_behind { self.far.remove(&key).unwrap_or_default() } else { Qty::ZERO };
        }
        if is_behind && self.step > 0 && !self.is_late() {
            return self.far.insert(key, quantity).unwrap_or_default();
        }
        let before = self.far.get(&key).copied().unwrap_or_default();
        let step = match self.first_key() {
            // The first price, or the first again: no grid yet.
            None => 0,
            Some(first) if first == key => self.step,
            // Far levels need not be on the grid; only what is to stand in the window must.
            Some(_) if is_behind => self.step,
            Some(first) => common_divisor(self.step, i128::from(key) - i128::from(first)),
        };
        self.rebuild(step, Some((key, quantity)));
        before
    }

    /// Whether the best price stands so deep in the window that it should be moved.
    fn is_late(&self) -> bool {
        self.first_key().is_some_and(|first| first.wrapping_sub(self.base) / self.step.max(1) > LATE)
    }

    /// Lays the window anew around the best level, on a grid of `step` or a finer one, with a level more.
    fn rebuild(&mut self, step: i64, more: Option<(i64, Qty)>) {
        let mut levels: Vec<(i64, Qty)> = self.window().collect();
        levels.extend(std::mem::take(&mut self.far));
        if let Some((key, quantity)) = more {
            let place = levels.partition_point(|(k, _)| *k < key);
            match levels.get_mut(place) {
                Some(level) if level.0 == key => level.1 = quantity,
                _ => levels.insert(place, (key, quantity)),
            }
        }
        self.clear();
        let Some((best, _)) = levels.first().copied() else { return };
        // The grid is that of the levels near the best: what the window will hold.
        let mut grid = step;
        loop {
            let reach = i128::from(grid.max(1)) * (SLOTS as i128 - i128::from(LEAD));
            let near = levels.iter().skip(1).map(|(key, _)| i128::from(*key) - i128::from(best));
            let finer = near.take_while(|d| *d < reach || grid == 0).fold(grid, common_divisor);
            if finer == grid {
                break;
            }
            grid = finer;
        }
        self.lay(best, grid);
        for (key, quantity) in levels {
            match self.slot(key) {
                Some(slot) => {
                    self.put(slot, quantity);
                }
                None => {
                    self.far.insert(key, quantity);
                }
            }
        }
    }

    /// Puts an empty window where `best` stands `LEAD` slots behind its begin.
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^64 / 2 for a step of one")]
    fn lay(&mut self, best: i64, step: i64) {
        self.step = step;
        // With one price there is no grid: a window of one slot until the second comes.
        let width = step.max(1).unsigned_abs();
        let bits = width.ilog2();
        self.shift = 63 + bits;
        self.magic = ((1_u128 << self.shift).div_ceil(u128::from(width))).min(u128::from(u64::MAX)) as u64;
        let lead = if step == 0 { 0 } else { step.saturating_mul(LEAD) };
        // The base stays on the grid of the best level.
        self.base = best.checked_sub(lead).unwrap_or(best);
        let behind = width.saturating_mul(SLOTS as u64 - LEAD.unsigned_abs());
        // The best level is always inside, the last key that there is too.
        self.span = if step == 0 { 1 } else { best.abs_diff(self.base) + behind.min(i64::MAX.abs_diff(best) + 1) };
    }

    /// Forgets all levels; the grid stays known only as far as the next prices tell.
    pub fn clear(&mut self) {
        self.blocks.iter_mut().take(usize::from(self.used)).filter(|b| b.bits != 0).for_each(|b| *b = Block::EMPTY);
        self.used = 0;
        self.places = [NONE; 64];
        self.summary = 0;
        self.far.clear();
        self.span = 0;
        self.step = 0;
    }

    /// What the level at a price holds; zero if there is none.
    #[must_use]
    #[inline]
    pub fn get(&self, price: Price) -> Qty {
        let key = self.key(price);
        match self.slot(key) {
            Some(slot) => self.held(slot),
            None if self.far.is_empty() => Qty::ZERO,
            None => self.far.get(&key).copied().unwrap_or_default(),
        }
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "bit numbers are below 64")]
    fn held(&self, slot: usize) -> Qty {
        self.block(slot).map_or(Qty::ZERO, |block| block.cells[slot & 63])
    }

    #[inline(always)]
    fn first_slot(&self) -> Option<usize> {
        if self.summary == 0 {
            return None;
        }
        let slot = self.summary.trailing_zeros() as usize * 64;
        self.block(slot).map(|block| slot + block.bits.trailing_zeros() as usize)
    }

    #[inline(always)]
    fn first_key(&self) -> Option<i64> {
        self.first_slot().map(|slot| self.key_of(slot))
    }

    /// The best price; `None` when empty.
    #[must_use]
    #[inline(always)]
    pub fn best(&self) -> Option<Price> {
        self.first_key().map(|key| self.price(key))
    }

    /// The best price and what stands there.
    #[must_use]
    #[inline]
    pub fn best_level(&self) -> Option<(Price, Qty)> {
        let slot = self.first_slot()?;
        Some((self.price(self.key_of(slot)), self.held(slot)))
    }

    /// The slots that hold something, best first.
    fn window(&self) -> Window<'_> {
        Window { ladder: self, summary: self.summary, slot: 0, bits: 0 }
    }

    /// All levels, best first.
    pub fn iter(&self) -> impl Iterator<Item = (Price, Qty)> + '_ {
        let far = self.far.iter().map(|(key, quantity)| (*key, *quantity));
        self.window().chain(far).map(|(key, quantity)| (self.price(key), quantity))
    }

    /// How many levels it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.window().count() + self.far.len()
    }
}

/// Two sides are equal if they hold the same levels, wherever their windows are.
impl PartialEq for Ladder {
    fn eq(&self, other: &Self) -> bool {
        self.side == other.side && self.iter().eq(other.iter())
    }
}

impl Eq for Ladder {}

struct Window<'a> {
    ladder: &'a Ladder,
    summary: u64,
    /// The first slot of the present block.
    slot: usize,
    bits: u64,
}

impl Iterator for Window<'_> {
    type Item = (i64, Qty);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.bits == 0 {
            if self.summary == 0 {
                return None;
            }
            self.slot = self.summary.trailing_zeros() as usize * 64;
            self.summary &= self.summary - 1;
            self.bits = self.ladder.block(self.slot)?.bits;
        }
        let slot = self.slot + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some((self.ladder.key_of(slot), self.ladder.held(slot)))
    }
}

/// Asks the processor to fetch what stands at an address; where it has no such instruction, nothing happens.
#[inline(always)]
fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a hint reads nothing, wherever it points")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The greatest common divisor of a step and a distance; the distance itself where there is no step yet.
fn common_divisor(step: i64, distance: i128) -> i64 {
    let (mut a, mut b) = (step.unsigned_abs(), u64::try_from(distance.unsigned_abs()).unwrap_or(u64::MAX));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // SLOTS * step has to stay inside i64, and the error of the multiplication in `slot` far below one. One divides all.
    i64::try_from(a).ok().filter(|step| *step <= STEP_MAX).unwrap_or(1)
}
