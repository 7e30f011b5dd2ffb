//! Numbers of lines, ascending, on disk: those that pass a filter, or that were found.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::nameless;

const NUMBER_BYTES: usize = 8;

/// Ascending numbers of lines.
#[derive(Debug)]
pub struct LineList {
    file: File,
    writing: Mutex<()>,
    length: AtomicU64,
}

impl LineList {
    /// An empty list below `folder`.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            file: nameless(folder)?,
            writing: Mutex::default(),
            length: AtomicU64::new(0),
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends numbers, each larger than those before it.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn push(&self, numbers: &[u64]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let length = self.len();
        self.file
            .write_all_at(&bytes, length * NUMBER_BYTES as u64)?;
        self.length
            .store(length + numbers.len() as u64, Ordering::Release);
        Ok(())
    }

    /// The numbers at these places; those that are not there are left out.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn get(&self, places: Range<u64>) -> io::Result<Vec<u64>> {
        let end = places.end.min(self.len());
        let count = usize::try_from(end.saturating_sub(places.start)).unwrap_or(0);
        let mut bytes = vec![0; count * NUMBER_BYTES];
        if count > 0 {
            self.file
                .read_exact_at(&mut bytes, places.start * NUMBER_BYTES as u64)?;
        }
        let (chunks, _) = bytes.as_chunks::<NUMBER_BYTES>();
        Ok(chunks
            .iter()
            .map(|number| u64::from_le_bytes(*number))
            .collect())
    }

    /// The place of the first number that is not below this one; the length if there is
    /// none.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn place_of(&self, number: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let is_below = self
                .get(middle..middle + 1)?
                .first()
                .is_some_and(|found| *found < number);
            if is_below {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
