//! The kind of each line of a chunk: a number a line, as small as the log allows.

/// For each line the place of its kind: a byte is enough for most logs.
#[derive(Debug)]
pub(super) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

impl Codes {
    pub(super) fn push(&mut self, code: usize) {
        match (&mut *self, u8::try_from(code)) {
            (Self::Narrow(codes), Ok(code)) => codes.push(code),
            (Self::Narrow(codes), Err(_)) => {
                *self = Self::Wide(codes.iter().map(|code| u32::from(*code)).collect());
                self.push(code);
            }
            (Self::Wide(codes), _) => codes.push(short(code)),
        }
    }

    pub(super) fn set(&mut self, line: usize, code: usize) {
        match (&mut *self, u8::try_from(code)) {
            (Self::Narrow(codes), Ok(code)) => codes[line] = code,
            (Self::Narrow(codes), Err(_)) => {
                *self = Self::Wide(codes.iter().map(|code| u32::from(*code)).collect());
                self.set(line, code);
            }
            (Self::Wide(codes), _) => codes[line] = short(code),
        }
    }

    pub(super) fn get(&self, line: usize) -> usize {
        match self {
            Self::Narrow(codes) => codes[line].into(),
            Self::Wide(codes) => codes[line] as usize,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Narrow(codes) => codes.len(),
            Self::Wide(codes) => codes.len(),
        }
    }

    pub(super) fn shrink(&mut self) {
        match self {
            Self::Narrow(codes) => codes.shrink_to_fit(),
            Self::Wide(codes) => codes.shrink_to_fit(),
        }
    }
}

/// The number in 32 bits, which every offset in a chunk has.
pub(super) fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
