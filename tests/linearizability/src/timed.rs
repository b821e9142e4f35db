//! Calls with their times.

/// A call and when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<C> {
    /// The call.
    pub call: C,
    called: u64,
    returned: Option<u64>,
}

/// A call that returned before it was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call returned at {returned}, before it was called at {called}")]
pub struct ReturnsBeforeCall {
    /// Time of the call.
    pub called: u64,
    /// Time of the result.
    pub returned: u64,
}

impl<C> Timed<C> {
    /// A call that has not returned: it may take effect at any later time, or never.
    pub const fn pending(call: C, called: u64) -> Self {
        Self { call, called, returned: None }
    }

    /// A call that returned.
    ///
    /// # Errors
    /// It returned before it was called.
    pub fn new(call: C, called: u64, returned: u64) -> Result<Self, ReturnsBeforeCall> {
        let mut timed = Self::pending(call, called);
        timed.returns(returned)?;
        Ok(timed)
    }

    /// Sets the time of the result.
    ///
    /// # Errors
    /// It is before that of the call.
    pub const fn returns(&mut self, returned: u64) -> Result<(), ReturnsBeforeCall> {
        if returned < self.called {
            return Err(ReturnsBeforeCall { called: self.called, returned });
        }
        self.returned = Some(returned);
        Ok(())
    }

    /// The same call without its owner.
    pub const fn as_ref(&self) -> Timed<&C> {
        Timed { call: &self.call, called: self.called, returned: self.returned }
    }

    /// Time of the call.
    #[must_use]
    pub const fn called(&self) -> u64 {
        self.called
    }

    /// Time of the result.
    #[must_use]
    pub const fn returned(&self) -> Option<u64> {
        self.returned
    }

    /// Time of the result; for ever without one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.returned.unwrap_or(u64::MAX)
    }
}
