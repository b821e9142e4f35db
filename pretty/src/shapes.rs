//! Shapes of texts: the same but for digits. A log says the same things again and again with other
//! numbers, so that what was found out about a text is known for nearly all that follow.

/// Values of the last shapes met.
#[derive(Debug)]
pub(crate) struct ShapeMap<V> {
    /// Of shapes with one hash the last is kept.
    slots: Vec<Slot<V>>,
    /// The last text, as its shape, and the place of its slot.
    shape: Vec<u8>,
    at: usize,
    /// Texts looked for before there were slots, which one screen of lines is not worth.
    texts: usize,
}

#[derive(Debug)]
struct Slot<V> {
    /// The hash of the last shape that had no value.
    met: u64,
    known: Option<Known<V>>,
}

/// A shape and its value.
#[derive(Debug)]
struct Known<V> {
    shape: Box<[u8]>,
    value: V,
}

/// The result of looking for a shape.
#[derive(Debug)]
pub(crate) enum Lookup<'m, V> {
    Known(&'m V),
    /// It has been met before: its value is worth keeping.
    Again,
    /// It has not been met lately, or is too long.
    New,
}

impl<V> Default for ShapeMap<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), shape: Vec::new(), at: 0, texts: 0 }
    }
}

impl<V> ShapeMap<V> {
    /// Looks for the value of the text's shape.
    #[inline]
    pub(crate) fn find(&mut self, text: &[u8]) -> Lookup<'_, V> {
        if text.len() > TEXT_BYTES_MAX {
            return Lookup::New;
        }
        if self.slots.is_empty() {
            self.texts += 1;
            if self.texts <= TEXTS_MIN {
                return Lookup::New;
            }
            self.slots.resize_with(SLOTS, || Slot { met: 0, known: None });
        }
        self.shape.resize(text.len(), 0);
        for (own, byte) in self.shape.iter_mut().zip(text) {
            *own = if byte.is_ascii_digit() { b'0' } else { *byte };
        }
        let hash = hash_of(&self.shape);
        self.at = (hash >> (u64::BITS - SLOTS.ilog2())) as usize;
        let slot = &mut self.slots[self.at];
        match &slot.known {
            Some(known) if *known.shape == *self.shape => Lookup::Known(&known.value),
            Some(_) | None if slot.met == hash => Lookup::Again,
            Some(_) | None => {
                slot.met = hash;
                Lookup::New
            }
        }
    }

    /// Keeps the value of the shape looked for last, which must be the same for all texts of it.
    pub(crate) fn keep(&mut self, value: V) {
        if let Some(slot) = self.slots.get_mut(self.at) {
            slot.known = Some(Known { shape: (&*self.shape).into(), value });
        }
    }
}

/// A multiplication for each eight bytes.
#[inline]
fn hash_of(shape: &[u8]) -> u64 {
    let (words, rest) = shape.as_chunks::<8>();
    let add = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(PRIME);
    let hash = words.iter().map(|word| u64::from_le_bytes(*word)).fold(shape.len() as u64, add);
    add(hash, rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;

/// A parser is made for each line on a screen, and reads no other.
const TEXTS_MIN: usize = 8;

/// More than the shapes of most logs.
const SLOTS: usize = 2048;

/// Longer texts are rarely of one shape.
const TEXT_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_known_after_it_has_been_met_twice() {
        let mut map = ShapeMap::default();
        assert!((0..TEXTS_MIN).all(|_| matches!(map.find(b"term 1"), Lookup::New)));
        assert!(map.slots.is_empty());
        assert!(matches!(map.find(b"term 1"), Lookup::New));
        assert!(matches!(map.find(b"term 2"), Lookup::Again));
        map.keep("a term");
        assert!(matches!(map.find(b"term 3"), Lookup::Known(value) if *value == "a term"));
        assert!(matches!(map.find(b"term 13"), Lookup::New));
        assert!(matches!(map.find(b"Term 3"), Lookup::New));
        let long = [b'x'; TEXT_BYTES_MAX + 1];
        assert!((0..3).all(|_| matches!(map.find(&long), Lookup::New)));
    }
}
